"""Callers at once, and a service that may reserve."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection


@pytest.fixture
def order(as_service: Callable[..., Any]) -> Any:
    """Return the order service's client."""
    return as_service("order")


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Return a function that runs callables in threads that start together, each on a connection.

    It returns what each returned or raised, in order.
    """

    def run(*functions: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(functions))

        def one(function: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()
                barrier.wait(timeout=20)
                return function()
            except Exception as error:  # noqa: BLE001 -- the test looks at it
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run


@pytest.fixture
def private_files(settings: Any, tmp_path: Path) -> Path:
    """Return the folder that is this test's private storage."""
    folder = tmp_path / "private"
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": backend, "OPTIONS": {"location": folder}},
    }
    return folder
