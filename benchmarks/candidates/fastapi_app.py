"""What users pick instead for speed: FastAPI with an asynchronous psycopg pool and orjson."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.candidates import statements

_pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
    statements.database_url(),
    min_size=8,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=False,
)


@contextlib.asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with _pool:
        yield


async def list_products(cursor: str | None = None) -> Response:
    """Answer a page."""
    statement, parameters = statements.page(cursor)
    async with _pool.connection() as connection:
        rows = await (await connection.execute(statement, parameters)).fetchall()
    return Response(statements.encode_page(rows), media_type="application/json")


async def get_product(slug: str) -> Response:
    """Answer one product."""
    async with _pool.connection() as connection:
        cursor = await connection.execute(statements.DETAIL, [slug])
        row = await cursor.fetchone()
    if row is None:
        raise HTTPException(404)
    return Response(statements.encode(row), media_type="application/json")


app = FastAPI(lifespan=_lifespan)
app.add_api_route(statements.PATH, list_products)
app.add_api_route(f"{statements.PATH}/{{slug}}", get_product)
