"""Lists by keyset: a page costs the same wherever it is, and rows added meanwhile shift nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from django.conf import settings
from django.core import signing
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100
_SALT: Final = "souk.cursor"
_LIMIT: Final = re.compile(r"[1-9][0-9]?|100")


class _Row(Func):
    """Columns or values that are compared as one."""

    template = "(%(expressions)s)"
    output_field = BooleanField()  # of no meaning: a row has no type of Django's


@dataclass(frozen=True)
class Order:
    """An order of rows: columns, each ascending or descending, none null, the last one unique."""

    columns: tuple[str, ...]
    """Names as Django's order_by takes them, such as ("-created_at", "-id")."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the columns without their direction."""
        return tuple(column.removeprefix("-") for column in self.columns)

    def reversed(self) -> "Order":
        """Return the order from the other end."""
        return Order(tuple(c[1:] if c.startswith("-") else f"-{c}" for c in self.columns))

    @property
    def is_falling(self) -> bool | None:
        """Tell whether all columns are descending; None where they differ."""
        falling = {column.startswith("-") for column in self.columns}
        return falling.pop() if len(falling) == 1 else None

    def after(self, values: Sequence[Any]) -> Any:
        """Return the condition of the rows behind the one with these column values.

        Where all columns go one way, rows are compared whole, which the database answers by one
        step into an index, however many rows share the first column's value.
        """
        if (falling := self.is_falling) is None:
            return self._after_by_column(values)
        compare = LessThan if falling else GreaterThan
        return compare(_Row(*map(F, self.names)), _Row(*map(Value, values)))

    def _after_by_column(self, values: Sequence[Any]) -> Q:
        """Return the same condition column by column.

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

    def sql_order(self) -> str:
        """Return what follows ORDER BY in a statement written by hand."""
        return ", ".join(
            f"{name} DESC" if column.startswith("-") else name
            for name, column in zip(self.names, self.columns, strict=True)
        )

    def sql_after(self) -> str:
        """Return the condition of the rows behind a position, with its values as `after_0` and so on.

        All columns go one way.
        """
        places = ", ".join(f"%(after_{index})s" for index in range(len(self.names)))
        return f"({', '.join(self.names)}) {'<' if self.is_falling else '>'} ({places})"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: behind the row with these values of the order's columns, or at the end."""

    order: Order
    scope: str
    backwards: bool = False
    values: Sequence[Any] | None = None

    @property
    def direction(self) -> Order:
        """Return the order in which the rows are read."""
        return self.order.reversed() if self.backwards else self.order


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
    return limit_of(request.query_params)


def limit_of(parameters: Mapping[str, str]) -> int:
    """Return `limit` of a query string's parameters, as `read_limit` does.

    Raises:
        ValidationError: it is anything else.
    """
    text = parameters.get("limit", str(DEFAULT_LIMIT))
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
    position = read_position(cursor, order=order, scope=scope)
    if position.values is not None:
        queryset = queryset.filter(position.direction.after(position.values))
    rows = list(queryset.order_by(*position.direction.columns)[: limit + 1])
    return cut(rows, limit, position)


def read_position(cursor: str | None, *, order: Order, scope: str = "") -> Position:
    """Return where a cursor points to; None is the first page's.

    Raises:
        ValidationError: the cursor is not one of ours for this order and scope.
    """
    if not cursor:
        return Position(order, scope)
    backwards, values = _read_cursor(cursor, order, scope)
    return Position(order, scope, backwards, values)


def cut(rows: list[Any], limit: int, position: Position) -> Page:
    """Return the page of rows that were read in the position's direction, one more than it holds."""
    order, scope, backwards = position.order, position.scope, position.backwards
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (backwards or more)
    has_previous = bool(rows) and (more if backwards else position.values is not None)
    return Page(
        rows=rows,
        next=_write_cursor(rows[-1], order, scope, backwards=False) if has_next else None,
        previous=_write_cursor(rows[0], order, scope, backwards=True) if has_previous else None,
    )


def envelope(request: HttpRequest | Request, found: Page, results: Sequence[Any]) -> dict[str, Any]:
    """Return the list's answer, with URLs of its neighbours that keep the other parameters."""
    # A lone byte that is no UTF-8 is replaced, as Django does.
    given = parse_qsl(request.META["QUERY_STRING"], keep_blank_values=True, errors="replace")
    others = [(name, value) for name, value in given if name != "cursor"]

    def url(cursor: str | None) -> str | None:
        if cursor is None:
            return None
        # The colons of a cursor may stand in a query; without any other sign it is not looked through.
        query = urlencode([*others, ("cursor", cursor)], safe=":")
        return f"{settings.PUBLIC_URL}{request.path}?{query}"

    return {"results": results, "next": url(found.next), "previous": url(found.previous)}


def _write_cursor(row: Any, order: Order, scope: str, *, backwards: bool) -> str:
    values = [row[name] if isinstance(row, Mapping) else getattr(row, name) for name in order.names]
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
