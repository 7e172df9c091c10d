"""A process is caught in the middle of what it does: a test holds a lock that its next statement waits for."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from tests.faults.bus import Row, connect, query
from tests.system.platform import Platform, wait_until

STOCK: Final = (
    "SELECT 1 FROM stock JOIN product ON product.id = product_id WHERE sku = %s FOR UPDATE OF stock"
)
MOVES_STOCK: Final = "%UPDATE stock SET%"

_BLOCKED: Final = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
"""


@contextlib.contextmanager
def held(platform: Platform, service: str, statement: str, *values: Any) -> Iterator[list[Row]]:
    """Hold the locks of a statement during the block, in which it may be that the server ends."""
    connection = connect(platform, service)
    try:
        connection.execute("BEGIN")
        yield connection.execute(statement.encode(), values).fetchall()
    finally:
        with contextlib.suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        connection.close()


def wait_for_blocked(platform: Platform, service: str, like: str) -> int:
    """Return the server's process id of whoever waits for a lock in a statement like this."""
    with connect(platform, service) as connection:
        found: list[Row] = wait_until(
            lambda: connection.execute(_BLOCKED, [like]).fetchall(),
            seconds=30,
            what=f"a process that waits in {like}",
        )
    return int(found[0]["pid"])


def end_session(platform: Platform, service: str, pid: int) -> None:
    """End a session whose client is gone: the server would notice when the statement has ended."""
    query(platform, service, "SELECT pg_terminate_backend(%s, 5000)", pid)
