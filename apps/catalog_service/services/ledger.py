"""The ledger's proof: its sums are the stock, and what is reserved is what open reservations hold."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.catalog_service.models import Alert, AlertKind, Product
from apps.catalog_service.services import alerts

_BATCH: Final = 10_000
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)

_END: Final = "SELECT id FROM product WHERE id > %s ORDER BY id OFFSET %s LIMIT 1"
# One statement sees one moment, so that orders under way give no false alarm.
_COMPARE: Final = """
WITH ledger AS (
    SELECT product_id, sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM stock_movement
    WHERE product_id > %(after)s AND product_id <= %(last)s GROUP BY product_id
), promised AS (
    SELECT product_id, sum(quantity) AS quantity
    FROM reservation JOIN reservation_line ON reservation_id = order_id
    WHERE status = 'reserved' AND product_id > %(after)s AND product_id <= %(last)s
    GROUP BY product_id
), sums AS (
    SELECT product.id, product.sku,
           coalesce(stock.on_hand, 0) AS on_hand, coalesce(stock.reserved, 0) AS reserved,
           coalesce(ledger.on_hand, 0) AS ledger_on_hand,
           coalesce(ledger.reserved, 0) AS ledger_reserved,
           coalesce(promised.quantity, 0) AS promised
    FROM product
    LEFT JOIN stock ON stock.product_id = product.id
    LEFT JOIN ledger ON ledger.product_id = product.id
    LEFT JOIN promised ON promised.product_id = product.id
    WHERE product.id > %(after)s AND product.id <= %(last)s
)
SELECT * FROM sums
WHERE (on_hand, reserved, reserved) <> (ledger_on_hand, ledger_reserved, promised)
ORDER BY id
"""


class Mismatch(NamedTuple):
    """A product whose stock is not what the ledger sums up to, or not what is promised."""

    product_id: UUID
    sku: str
    on_hand: int
    reserved: int
    ledger_on_hand: int
    ledger_reserved: int
    promised: int
    """Pieces that open reservations hold."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return self._asdict() | {"product_id": str(self.product_id)}


def check() -> list[Mismatch]:
    """Compare the stock of all products with the ledger and with open reservations.

    Statement by statement over 10,000 products, each of one moment: orders go on meanwhile.
    """
    return [
        Mismatch(*row[:2], *(int(number) for number in row[2:]))
        for after, last in _ranges()
        for row in _query(_COMPARE, {"after": after, "last": last})
    ]


def tell() -> Iterator[str]:
    """Yield how many products there are, and each mismatch of `check`: lines of the audit's export."""
    yield json.dumps({"kind": "ledger", "products": Product.objects.count()})
    for found in check():
        yield json.dumps({"kind": "stock", **found.as_json()})


def _ranges() -> Iterator[tuple[UUID, UUID]]:
    """Yield bounds of products' ids, the first one excluded and the last one included."""
    after = _FIRST
    while end := _query(_END, [after, _BATCH - 1]):
        yield after, end[0][0]
        after = end[0][0]
    yield after, _LAST


def _query(statement: str, arguments: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())


def watch() -> int:
    """Check, open an alert for each mismatch, close those that are over; return how many there are."""
    mismatches = {str(found.product_id): found for found in check()}
    for subject, found in mismatches.items():
        details = found._asdict()
        del details["product_id"]
        alerts.raise_alert(AlertKind.LEDGER_MISMATCH, subject, **details)
    open_alerts = Alert.objects.filter(kind=AlertKind.LEDGER_MISMATCH, cleared_at=None)
    for subject in open_alerts.exclude(subject__in=mismatches).values_list("subject", flat=True):
        alerts.clear_alert(AlertKind.LEDGER_MISMATCH, subject)
    return len(mismatches)
