"""Connections of the pool are looked at before use, instead of asked."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from chassis import failpoints


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but a pool's connection costs no question to the server before each request.

    A server that ends closes its connections, which can be seen without asking.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection; of the pool one that has not ended."""
        if self.pool is None:
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        self.pool.open()
        while True:
            connection = self.pool.getconn()
            if _is_alive(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)  # which makes another in its place

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        failpoints.step("COMMIT")

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]
        failpoints.step("ROLLBACK")


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the server has not ended the connection, by what has arrived; nothing is sent.

    It says why and closes, so the end is behind the last words: hence twice. A poll of the socket
    would do as well, but lets go of the interpreter, which costs several times as much under load.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
