"""A catalog in memory with a lamp and a chair, and callers at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.order_service import clients
from apps.order_service.clients.fake import FakeCatalog
from chassis import circuit


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch) -> FakeCatalog:
    """Return the catalog that the service talks to."""
    fake = FakeCatalog()
    fake.stock("LAMP", price="19.90", name="Lamp", available=1000)
    fake.stock("CHAIR", price="100.00", name="Chair", available=5)
    monkeypatch.setattr(clients, "catalog", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def _closed_circuits() -> Iterator[None]:
    yield
    circuit.forget()


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
                barrier.wait(timeout=30)
                return function()
            except Exception as error:  # noqa: BLE001 -- the test looks at it
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run
