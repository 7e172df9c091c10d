"""What a process asks of its database beyond the ORM: a pool, prepared reads, and whether a failure is the database's own."""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections
from psycopg import Cursor
from psycopg.pq import ExecStatus
from psycopg.types.datetime import TimestamptzLoader

UNAVAILABLE: Final = (OperationalError, InterfaceError)
"""What Django raises for a database that cannot be reached, or has no connection to spare."""

# SQLSTATEs (PostgreSQL, appendix A) that are about one statement: rolled back in favour of another
# transaction, object in use, limit exceeded, cancelled by its timeout.
_OF_A_STATEMENT: Final = ("40", "54", "55", "57014")


def is_unavailable(error: BaseException | None) -> bool:
    """Tell whether the database itself is in trouble, rather than one statement.

    A deadlock or a statement's timeout is an OperationalError as well, but not a reason to wait.
    """
    if not isinstance(error, UNAVAILABLE):
        return False
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return not state.startswith(_OF_A_STATEMENT)


class _Unprepared(Cursor[tuple[Any, ...]]):
    """Has each statement planned for the values of its parameters."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Unprepared":
        return super().execute(query, params, prepare=False, **options)


def fetch(
    statement: str, parameters: Mapping[str, Any], *, prepare: bool = False
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement written by hand; one query.

    Args:
        statement: a constant or made of constants, with `%(name)s` for each parameter.
        parameters: bound by the server. JSON columns come back as text.
        prepare: keep the plan from the second time on. Right where the best plan does not depend
            on the values, and the statements are few: each connection keeps a hundred.
    """
    connection.ensure_connection()
    own: Any = (Cursor if prepare else _Unprepared)(connection.connection)
    # Django's own, in Python, takes ten times as long for the same values; connections are in UTC.
    own.adapters.register_loader("timestamptz", TimestamptzLoader)
    # Django's wrapper around it translates errors, and counts for tests.
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(own) as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


class Question:
    """A statement that is asked again and again, on a connection of its own; one thread at a time.

    Beneath Django and cursors it takes a sixth of what it takes through them. It is about what is
    committed, whatever transaction the thread has open.
    """

    _NAME: Final = b"question"

    def __init__(self, statement: str) -> None:
        """Open nothing yet: a process may fork first.

        Args:
            statement: a constant without parameters, whose answer is one whole number.
        """
        self._statement = statement.encode()
        self._connection: psycopg.Connection[Any] | None = None

    def ask(self) -> int | None:
        """Return the answer; None where the database cannot be asked now.

        Where the server has closed the connection meanwhile, it is asked on another.
        """
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                return self._answer(self._connection)
            self.close()
        try:
            return self._answer(self._connect())
        except psycopg.Error:
            self.close()
            return None

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        parameters = connection.get_connection_params()  # with the timeouts that bound statements
        self._connection = psycopg.connect(**parameters, autocommit=True)
        self._connection.pgconn.prepare(self._NAME, self._statement)
        return self._connection

    def _answer(self, opened: psycopg.Connection[Any]) -> int:
        result = opened.pgconn.exec_prepared(self._NAME, [])
        value = result.get_value(0, 0) if result.status == ExecStatus.TUPLES_OK else None
        if value is None:
            raise psycopg.OperationalError(result.get_error_message())
        return int(value)


def pool_stats() -> Mapping[str, int] | None:
    """Return what psycopg's pool counts of itself (its documentation names them); None where there is none.

    It makes none: each process that has one makes it with its first query.
    """
    pools: dict[str, Any] = connection._connection_pools  # type: ignore[attr-defined]  # noqa: SLF001
    pool = pools.get(connection.alias)
    return None if pool is None else pool.get_stats()


def use_pool() -> None:
    """Let the threads of this process share a pool of connections. Call it before the first query.

    A command that runs and ends has one connection and no pool, so that it fails at once where
    there is no database.
    """
    connections.settings["default"]["OPTIONS"]["pool"] = settings.DB_POOL
