"""One row of a file of adjustments: its raw values checked."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from apps.catalog_service.services.importing.rows import BadRow
from apps.catalog_service.services.stock.moving import MOST_ON_HAND

REQUIRED: Final = ("sku",)
FIELDS: Final = ("sku", "quantity", "on_hand", "reason")

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
LONGEST_REASON: Final = 200
_LONGEST_SKU: Final = 64


class Row(NamedTuple):
    """What a row says: so many pieces more, or, with `on_hand`, that there are so many."""

    sku: str
    quantity: int = 0
    on_hand: int | None = None
    reason: str = ""


def parse(values: Mapping[str, Any]) -> Row:
    """Return the row of a file's texts by field name, None where a cell is empty.

    Raises:
        BadRow: something is missing or will not do.
    """
    sku = (values["sku"] or "").strip()
    if not sku or len(sku) > _LONGEST_SKU or "\0" in sku:
        raise BadRow(f"sku must be 1 to {_LONGEST_SKU} characters" if sku else "sku is missing")
    quantity, on_hand = values.get("quantity"), values.get("on_hand")
    if (quantity is None) == (on_hand is None):
        raise BadRow("give either quantity or on_hand")
    reason = (values.get("reason") or "").strip()
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise BadRow(f"reason must be at most {LONGEST_REASON} characters")
    if on_hand is not None:
        return Row(sku, on_hand=_number("on_hand", on_hand, least=0), reason=reason)
    return Row(sku, quantity=_number("quantity", quantity, least=-MOST_ON_HAND), reason=reason)


def _number(field: str, value: Any, *, least: int) -> int:
    text = value.strip()
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= MOST_ON_HAND:
        raise BadRow(f"{field} must be a whole number from {least} to {MOST_ON_HAND}")
    return int(text)
