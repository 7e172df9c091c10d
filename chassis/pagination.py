"""Lists by keyset: a page costs the same wherever it is, and rows added meanwhile shift nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100
_SALT: Final = "souk.cursor"
_LIMIT: Final = re.compile(r"[1-9][0-9]?|100")


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows: columns, each ascending or descending, none null, the last one unique."""

    columns: tuple[str, ...]
    """Names as Django's order_by takes them, such as ("-created_at", "-id")."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns without their direction."""
        return tuple(column.removeprefix("-") for column in self.columns)

    def reversed(self) -> "Order":
        """Return the order from the other end."""
        return Order(tuple(c[1:] if c.startswith("-") else f"-{c}" for c in self.columns))

    def after(self, values: Sequence[Any]) -> Q:
        """Return the condition of the rows behind the one with these column values.

        The first column's bound is implied by the rest, but only a bound on its own lets the
        database begin to read its index at the right place.
        """
        first = "lte" if self.columns[0].startswith("-") else "gte"
        bound = Q(**{f"{self.names[0]}__{first}": values[0]})
        condition = Q()
        for index, column in enumerate(self.columns):
            equal = dict(zip(self.names[:index], values[:index], strict=True))
            comparison = "lt" if column.startswith("-") else "gt"
            condition |= Q(**equal, **{f"{self.names[index]}__{comparison}": values[index]})
        return bound & condition


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, and the cursors of its neighbours (None at an end)."""

    rows: list[Any]
    next: str | None
    previous: str | None


def read_limit(request: Request) -> int:
    """Return `limit` of the query string, 1..100.

    Raises:
        ValidationError: it is anything else.
    """
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text):
        raise ValidationError({"limit": [f"must be a number from 1 to {LONGEST_LIMIT}"]})
    return int(text)


def page(
    queryset: QuerySet[Any, Any], *, order: Order, limit: int, cursor: str | None, scope: str = ""
) -> Page:
    """Return one page of the rows; one query.

    Args:
        queryset: model rows or `.values()` that hold the order's columns; no order of its own.
        order: the order of the rows.
        limit: most rows on the page.
        cursor: of an earlier page, None for the first.
        scope: what else a cursor is tied to, such as the sort's name and the filters.

    Raises:
        ValidationError: the cursor is not one of ours for this order and scope.
    """
    backwards, values = _read_cursor(cursor, order, scope) if cursor else (False, None)
    direction = order.reversed() if backwards else order
    if values is not None:
        queryset = queryset.filter(direction.after(values))
    rows = list(queryset.order_by(*direction.columns)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (backwards or more)
    has_previous = bool(rows) and (more if backwards else values is not None)
    return Page(
        rows=rows,
        next=_write_cursor(rows[-1], order, scope, backwards=False) if has_next else None,
        previous=_write_cursor(rows[0], order, scope, backwards=True) if has_previous else None,
    )


def envelope(request: Request, found: Page, results: list[Any]) -> dict[str, Any]:
    """Return the list's answer, with URLs of its neighbours that keep the other parameters."""
    return {
        "results": results,
        "next": _url(request, found.next),
        "previous": _url(request, found.previous),
    }


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    parameters = request.query_params.copy()
    parameters["cursor"] = cursor
    return f"{settings.PUBLIC_URL}{request.path}?{parameters.urlencode()}"


def _write_cursor(row: Any, order: Order, scope: str, *, backwards: bool) -> str:
    values = [row[name] if isinstance(row, dict) else getattr(row, name) for name in order.names]
    if None in values:
        raise ValueError(f"a list cannot be ordered by null: {order.names}")
    plain = [backwards, _tie(order, scope), [_tag(value) for value in values]]
    return signing.Signer(salt=_SALT).sign_object(plain)


def _read_cursor(cursor: str, order: Order, scope: str) -> tuple[bool, list[Any]]:
    try:
        backwards, tie, values = signing.Signer(salt=_SALT).unsign_object(cursor)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise ValidationError({"cursor": ["is not a cursor of this list"]}) from error
    if tie != _tie(order, scope):
        raise ValidationError({"cursor": ["belongs to a list with another order or other filters"]})
    return backwards, values


def _tie(order: Order, scope: str) -> str:
    return f"{','.join(order.columns)}|{scope}"


def _tag(value: Any) -> Any:
    """Turn a column's value into JSON; the database reads it back from text."""
    return msgspec.to_builtins(value)
