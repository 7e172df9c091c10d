"""The limit: a WSGI callable, a pool, one statement, orjson. No framework, no checks, no log."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from benchmarks.candidates import statements

# Opened with the first request, after gunicorn's fork: a pool must not be shared.
_pool: ConnectionPool[Connection[dict[str, Any]]] = ConnectionPool(
    statements.database_url(),
    min_size=8,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=False,
)


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer a page of products, or the product that the path names."""
    if _pool.closed:
        _pool.open()
    slug = environ["PATH_INFO"].removeprefix(statements.PATH).removeprefix("/")
    with _pool.connection() as connection:
        if slug:
            row = connection.execute(statements.DETAIL, [slug]).fetchone()
            body = statements.encode(row)
        else:
            asked = parse_qs(environ["QUERY_STRING"])
            statement, parameters = statements.page(*asked.get("cursor", [None]))
            rows = connection.execute(statement, parameters).fetchall()
            body = statements.encode_page(rows)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
