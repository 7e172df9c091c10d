"""Reserving: the order's claim comes first, then the stock of its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone
from prometheus_client import Counter
from psycopg.errors import DeadlockDetected
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random

from apps.catalog_service import conf
from apps.catalog_service.errors import (
    OutOfStock,
    ReservationClosed,
    ReservationMismatch,
    UnknownSku,
)
from apps.catalog_service.models import MovementKind, Reservation, ReservationStatus
from apps.catalog_service.selectors import reservations as selectors
from apps.catalog_service.services.stock import move_stock
from chassis import database
from chassis.errors import PublicError

_RESERVATIONS: Final = Counter(
    "souk_reservations",
    "Calls to reserve stock: reserved, repeated (there before), or the code of the refusal.",
    ["outcome"],
)

# The reservation's row comes first: whoever is second waits here for the first to end. Its lines hold
# names and prices as they are now; a sku that is not for sale gives none.
_CLAIM: Final = """
WITH claimed AS (
    INSERT INTO reservation (order_id, status, created_at, expires_at)
    VALUES (%(order_id)s, 'reserved', %(now)s, %(expires_at)s)
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id
), lines AS (
    INSERT INTO reservation_line
        (reservation_id, product_id, position, sku, name, quantity, unit_price, currency)
    SELECT order_id, product.id, position, sku, name, quantity, price, currency
    FROM claimed
    CROSS JOIN unnest(%(skus)s::text[], %(quantities)s::int[]) WITH ORDINALITY
        AS wanted (sku, quantity, position)
    JOIN product USING (sku)
    WHERE product.status = 'active'
    RETURNING sku, product_id, name, quantity, unit_price, currency
)
SELECT lines.* FROM claimed LEFT JOIN lines ON true
"""


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line of the request; `index` is its place there. Lines of one sku are added up."""

    sku: str
    quantity: int
    index: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reservation's answer, and whether this call made it."""

    view: dict[str, Any]
    is_new: bool


class _Line(NamedTuple):
    """A line as it was inserted."""

    sku: str
    product_id: UUID
    name: str
    quantity: int
    unit_price: Decimal
    currency: str

    def view(self) -> dict[str, Any]:
        """Return it as `selectors.reservation_view` does."""
        view = self._asdict()
        del view["product_id"]
        return view


@dataclass(frozen=True, slots=True)
class _Made:
    """A new reservation: its lines by sku, as they were asked for, and its answer."""

    lines: dict[str, _Line]
    view: dict[str, Any]


def _is_deadlock(error: BaseException) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.__cause__, DeadlockDetected)


@retry(
    retry=retry_if_exception(_is_deadlock),
    stop=stop_after_attempt(4),
    wait=wait_random(0, 0.05),
    reraise=True,
)
def reserve(*, order_id: UUID, lines: Sequence[WantedLine]) -> Reserved:
    """Promise the lines' stock to the order, all of it or none. Idempotent by order id.

    Raises:
        OutOfStock: some lines are short; nothing is reserved, and the same call may succeed later.
        UnknownSku: some lines name nothing that is for sale; nothing is reserved.
        ReservationMismatch: the order has a reservation of other lines.
        ReservationClosed: the order's reservation was released.
    """
    try:
        reserved = _reserve(order_id, _add_up(lines))
    except PublicError as error:
        _RESERVATIONS.labels(error.code).inc()
        raise
    _RESERVATIONS.labels("reserved" if reserved.is_new else "repeated").inc()
    return reserved


def _reserve(order_id: UUID, wanted: dict[str, WantedLine]) -> Reserved:
    with transaction.atomic(durable=True):
        made = _claim(order_id, wanted)
        if made is not None:
            _take(order_id, wanted, made)
            return Reserved(view=made.view, is_new=True)
        reservation = selectors.find_reservation(order_id)
        _require_same(reservation, wanted)
    return Reserved(view=selectors.reservation_view(reservation), is_new=False)


def _add_up(lines: Sequence[WantedLine]) -> dict[str, WantedLine]:
    wanted: dict[str, WantedLine] = {}
    for line in lines:
        before = wanted.get(line.sku)
        wanted[line.sku] = WantedLine(
            line.sku,
            line.quantity + (before.quantity if before else 0),
            before.index if before else line.index,
        )
    return wanted


def _claim(order_id: UUID, wanted: dict[str, WantedLine]) -> _Made | None:
    """Insert the order's reservation with its lines; return None where it has one already."""
    now = timezone.now()
    expires_at = now + conf.reservation_time()
    parameters = {
        "order_id": order_id,
        "now": now,
        "expires_at": expires_at,
        "skus": list(wanted),
        "quantities": [line.quantity for line in wanted.values()],
    }
    claimed = database.fetch(_CLAIM, parameters, prepare=True)
    rows = {row[0]: _Line(*row) for row in claimed}
    if not rows:
        return None
    found = {sku: rows[sku] for sku in wanted if sku in rows}
    lines = [line.view() for line in found.values()]
    return _Made(found, {"order_id": order_id, "expires_at": expires_at, "lines": lines})


def _take(order_id: UUID, wanted: dict[str, WantedLine], made: _Made) -> None:
    """Move the stock of the lines; what this raises takes the reservation back."""
    if unknown := [line for sku, line in wanted.items() if sku not in made.lines]:
        raise _unknown_sku(unknown)
    changes = {line.product_id: (0, line.quantity) for line in made.lines.values()}
    moved = move_stock(MovementKind.RESERVED, changes, actor="order", order_id=order_id)
    if not moved:
        available = {sku: moved.available[line.product_id] for sku, line in made.lines.items()}
        raise _out_of_stock(
            [line for line in wanted.values() if available[line.sku] < line.quantity], available
        )


def _require_same(reservation: Reservation, wanted: dict[str, WantedLine]) -> None:
    if reservation.status in {ReservationStatus.RELEASED, ReservationStatus.RETURNED}:
        raise ReservationClosed(f"The reservation was {reservation.status}")
    kept = {line.sku: line.quantity for line in reservation.lines.all()}
    if kept != {sku: line.quantity for sku, line in wanted.items()}:
        raise ReservationMismatch("The order has a reservation of other lines")


def _unknown_sku(lines: Sequence[WantedLine]) -> UnknownSku:
    return UnknownSku(
        "Nothing for sale is called " + ", ".join(line.sku for line in lines),
        errors=[
            {
                "pointer": f"#/lines/{line.index}/sku",
                "detail": f"{line.sku} does not exist",
                "code": UnknownSku.code,
            }
            for line in lines
        ],
    )


def _out_of_stock(lines: Sequence[WantedLine], available: dict[str, int]) -> OutOfStock:
    """Return the refusal; it reaches customers, so it tells no more of the stock than they may see."""
    shown = {sku: min(number, conf.shown_available()) for sku, number in available.items()}
    return OutOfStock(
        "Some lines cannot be had in full",
        errors=[
            {
                "pointer": f"#/lines/{line.index}/quantity",
                "detail": f"{line.quantity} of {line.sku} wanted, {shown[line.sku]} available",
                "code": OutOfStock.code,
            }
            for line in lines
        ],
        lines=[
            {"sku": line.sku, "requested": line.quantity, "available": shown[line.sku]}
            for line in lines
        ],
    )
