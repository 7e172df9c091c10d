"""What a customer asks for: skus and quantities."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

MOST_LINES: Final = 100
MOST_OF_ONE: Final = 9999
LONGEST_SKU: Final = 64

_SKU: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
"""What catalog calls products."""


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A sku and how many of it; `position` is the index of its first line in the request."""

    sku: str
    quantity: int
    position: int


def is_sku(text: str) -> bool:
    """Tell whether a product may be called so."""
    return len(text) <= LONGEST_SKU and _SKU.fullmatch(text) is not None


class QuantityTooLarge(Exception):
    """The lines of one sku add up to more than an order may hold of it."""

    def __init__(self, position: int) -> None:
        """Keep the index of the line that goes over the limit."""
        super().__init__(f"line {position}")
        self.position = position


def merge_lines(lines: Iterable[tuple[str, int]]) -> tuple[RequestedLine, ...]:
    """Return one line per sku, in order of first appearance; quantities of the same sku are added.

    Raises:
        QuantityTooLarge: a sum is above MOST_OF_ONE.
    """
    merged: dict[str, RequestedLine] = {}
    for position, (sku, quantity) in enumerate(lines):
        earlier = merged.get(sku)
        total = quantity + (earlier.quantity if earlier else 0)
        if total > MOST_OF_ONE:
            raise QuantityTooLarge(position)
        merged[sku] = RequestedLine(sku, total, earlier.position if earlier else position)
    return tuple(merged.values())


def from_stored(rows: Iterable[Mapping[str, Any]]) -> tuple[RequestedLine, ...]:
    """Return the lines that an order keeps as JSON objects."""
    return tuple(RequestedLine(**row) for row in rows)
