"""The statements by hand, and the answers made of their rows: what the limit and FastAPI share."""

import os
from typing import Any, Final
from urllib.parse import urlencode

import orjson

PATH: Final = "/api/v1/catalog/products"
LIMIT: Final = 20

_COLUMNS: Final = """
SELECT p.id, p.sku, p.slug, p.name, p.description, c.slug AS category, p.price::text AS price,
       p.currency, p.image_url, p.attributes, p.status, p.created_at, p.updated_at,
       s.on_hand > s.reserved AS in_stock, least(s.on_hand - s.reserved, 10) AS available
FROM product p JOIN category c ON c.id = p.category_id JOIN stock s ON s.product_id = p.id
WHERE p.status = 'active'
"""
# The number of rows is part of the text: of a parameter the planner assumes much more, and plans
# a prepared statement anew each time.
_NEWEST: Final = f"ORDER BY p.created_at DESC, p.id DESC LIMIT {LIMIT + 1}"
FIRST: Final = f"{_COLUMNS} {_NEWEST}".encode()
AFTER: Final = f"{_COLUMNS} AND (p.created_at, p.id) < (%s, %s) {_NEWEST}".encode()
DETAIL: Final = f"{_COLUMNS} AND p.slug = %s".encode()


def database_url() -> str:
    """Return the database of all candidates."""
    return os.environ["DATABASE_URL"]


def page(cursor: str | None) -> tuple[bytes, list[str]]:
    """Return the statement of the page behind a cursor, of the first one without, and its parameters."""
    return (AFTER, cursor.split(" ")) if cursor else (FIRST, [])


def encode_page(rows: list[dict[str, Any]]) -> bytes:
    """Return the body of a page, given one row more than it holds if there are more."""
    shown, more = rows[:LIMIT], len(rows) > LIMIT
    last = shown[-1]
    cursor = urlencode({"cursor": f"{last['created_at'].isoformat()} {last['id']}"})
    answer = {"results": shown, "next": f"{PATH}?{cursor}" if more else None, "previous": None}
    return encode(answer)


def encode(value: Any) -> bytes:
    """Return JSON with times in UTC, as the contract wants them."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
