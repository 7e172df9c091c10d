"""Products as lists: one statement for each way of asking, by constants; values are its parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from apps.catalog_service.selectors import products, search
from chassis import json
from chassis.database import fetch
from chassis.pagination import Order, Page, Position, cut, read_position
from chassis.reads import digest

SORTS: Final = {
    "-created_at": Order(("-created_at", "-id")),
    "name": Order(("name", "id")),
    "price": Order(("price", "id")),
    "-price": Order(("-price", "-id")),
    "-popularity": Order(("-popularity", "-id")),
    "relevance": search.ORDER,
}
FIELDS: Final = (*products.COLUMNS, "stock")

_CONDITIONS: Final = {
    "min_price": "product.price >= %(min_price)s",
    "max_price": "product.price <= %(max_price)s",
    "status": "product.status = %(status)s",
}

# How a value of a query string may be meant, beside text. No longer than a double holds.
_OTHER_THAN_TEXT: Final = re.compile(
    r"true|false|null|-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?", re.ASCII
)
_BELOW: Final = """
SELECT id FROM category WHERE path <@ (SELECT path FROM category WHERE slug = %(category)s)
"""
_CATEGORY: Final = "product.category_id = ANY(%(categories)s)"
# As text it is in no index: beside words the index would be read once for each category.
_CATEGORY_SEEN: Final = "product.category_id::text = ANY(%(categories)s::text[])"
_FEW_CATEGORIES: Final = 2
_IN_STOCK: Final = "EXISTS (SELECT FROM stock WHERE stock.product_id = product.id AND stock.on_hand > stock.reserved)"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None is any.

    Args:
        q: words to search for.
        category: slug; products of its sub-categories count too. One more query.
        min_price: in the shop's currency, itself included.
        max_price: the same.
        in_stock: whether any piece is unreserved.
        status: of those that the caller may see.
        attributes: names and values; a value that reads as a number, true, false or null is also
            found as such.
    """

    q: str | None = None
    category: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None
    status: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def scope(self) -> str:
        """Return what a cursor of the list is tied to."""
        return digest(json.encode(self))


def list_products(
    filters: Filters,
    *,
    sort: str,
    limit: int,
    cursor: str | None,
    is_staff: bool,
    fields: Sequence[str] = (),
) -> Page:
    """Return a page of the products that the caller may see, as the API shows them.

    It takes one query, one more with a category, and what reading `q` takes.

    Args:
        filters: what the list is narrowed to.
        sort: of `SORTS`; relevance needs words to search for.
        limit: most products on the page.
        cursor: of an earlier page, None for the first.
        is_staff: whether the caller sees drafts, archived products and the whole stock.
        fields: what is shown of each product, of `FIELDS`; all by default.

    Raises:
        ValidationError: the cursor is not one of ours for this sort and these filters.
    """
    position = read_position(cursor, order=SORTS[sort], scope=filters.scope)
    conditions, values = _narrow(filters, is_staff=is_staff)
    if filters.q is not None and sort != "relevance":  # where the rank is, the match is too
        conditions.append(search.match(values))
    shown = _shown(fields, is_staff=is_staff)
    keys = {name: f"product.{name}" for name in position.order.names if name not in shown}
    columns = {**shown, **keys}
    values |= products.shown_to(is_staff=is_staff)
    values |= {f"after_{place}": value for place, value in enumerate(position.values or ())}
    if sort == "relevance":
        rows = _best(columns, conditions, values, position, limit)
    else:
        statement = _statement(columns, conditions, position, limit)
        # With filters the best plan depends on the values; without, it is a walk along an index.
        rows = fetch(statement, values, prepare=filters == Filters())
    page = cut([dict(zip(columns, row, strict=True)) for row in rows], limit, position)
    for row in page.rows:
        for name in keys:
            del row[name]
    results = [products.product_view(row, is_staff=is_staff) for row in page.rows]
    return Page(results, page.next, page.previous)


def _shown(fields: Sequence[str], *, is_staff: bool) -> dict[str, str]:
    """Return the columns that show these fields, or all, in the usual order."""
    everything = products.columns_for(is_staff=is_staff)
    if not fields:
        return dict(everything)
    wanted = {*fields, *(products.STAFF_COLUMNS if "stock" in fields else ())}
    return {name: column for name, column in everything.items() if name in wanted}


def _narrow(filters: Filters, *, is_staff: bool) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on `product` but for the words, and the parameters of all."""
    conditions = [] if is_staff else [products.VISIBLE]
    values: dict[str, Any] = {}
    for name, condition in _CONDITIONS.items():
        if (value := getattr(filters, name)) is not None:
            conditions.append(condition)
            values[name] = value
    if filters.in_stock is not None:
        conditions.append(_IN_STOCK if filters.in_stock else f"NOT {_IN_STOCK}")
    if filters.category is not None:
        below = fetch(_BELOW, {"category": filters.category}, prepare=True)
        values["categories"] = [id_ for (id_,) in below]
        is_seen = filters.q is not None and len(below) > _FEW_CATEGORIES
        conditions.append(_CATEGORY_SEEN if is_seen else _CATEGORY)
    for place, (name, text) in enumerate(filters.attributes):
        meant = _meanings(name, text)
        either = [
            f"product.attributes @> %(attribute_{place}_{one})s::jsonb" for one in range(len(meant))
        ]
        conditions.append(f"({' OR '.join(either)})")
        values |= {f"attribute_{place}_{one}": value for one, value in enumerate(meant)}
    if filters.q is not None:
        values |= search.read(filters.q, is_staff=is_staff).parameters()
    return conditions, values


def _meanings(name: str, text: str) -> list[str]:
    """Return the JSON objects that an attribute's name and value in a query string may mean."""
    meant = [json.encode({name: text}).decode()]
    if _OTHER_THAN_TEXT.fullmatch(text):
        meant.append(json.encode({name: msgspec.Raw(text.encode())}).decode())
    return meant


def _statement(
    columns: Mapping[str, str], conditions: Sequence[str], position: Position, limit: int
) -> str:
    """Return the statement of a page, and of one row more.

    The rows are cut before they are joined with what else is shown of them.
    """
    where = " AND ".join(conditions) or "true"
    if position.values is not None:
        where += f" AND {position.direction.sql_after()}"
    order = position.direction.sql_order()
    return (
        f"SELECT {products.select(columns)} FROM ("  # noqa: S608 -- of constants
        f"SELECT * FROM product WHERE {where} ORDER BY {order} LIMIT {limit + 1}"
        f") AS product {products.JOINED} ORDER BY {order}"
    )


def _best(
    columns: Mapping[str, str],
    conditions: Sequence[str],
    values: Mapping[str, Any],
    position: Position,
    limit: int,
) -> list[tuple[Any, ...]]:
    """Return the rows of a page of search, and one more; two queries."""
    best = search.rank(
        values,
        where=" AND ".join(conditions) or "true",
        limit=limit + 1,
        position=position,
    )
    # As text: the arrays' parameters would be put together value by value.
    ids = f"{{{','.join(str(id_) for id_, _ in best)}}}"
    ranks = f"{{{','.join(str(rank) for _, rank in best)}}}"
    # What was archived meanwhile is left out.
    visible = " AND ".join(c for c in conditions if c == products.VISIBLE) or "true"
    statement = (
        f"SELECT {products.select(columns)} FROM ("  # noqa: S608 -- of constants
        "SELECT product.*, best.rank FROM unnest(%(ids)s::uuid[], %(ranks)s::numeric[]) AS best (id, rank)"
        f" JOIN product USING (id) WHERE {visible}"
        f") AS product {products.JOINED} ORDER BY {position.direction.sql_order()}"
    )
    return fetch(statement, {**values, "ids": ids, "ranks": ranks}, prepare=True)
