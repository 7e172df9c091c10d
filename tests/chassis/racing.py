"""Races: threads with a database connection each, let go at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def race(runners: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at once; return what each returned or, in its place, the exception it raised."""
    barrier = threading.Barrier(len(runners))

    def run(runner: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return runner()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))
