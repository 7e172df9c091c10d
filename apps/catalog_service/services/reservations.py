"""Reservations: stock promised to an order, all lines or none, once per order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random

from apps.catalog_service import conf
from apps.catalog_service.domain.wording import counted
from apps.catalog_service.errors import (
    OutOfStock,
    ReservationClosed,
    ReservationMismatch,
    UnknownSku,
)
from apps.catalog_service.models import (
    MovementKind,
    Product,
    ProductStatus,
    Reservation,
    ReservationLine,
    ReservationStatus,
)
from apps.catalog_service.selectors import reservations as selectors
from apps.catalog_service.services.stock import lock_stock, move_stock

_CLAIM = """
INSERT INTO reservation (order_id, status, created_at, expires_at, closed_at)
VALUES (%(order_id)s, %(status)s, %(now)s, %(expires_at)s, %(closed_at)s)
ON CONFLICT (order_id) DO NOTHING
"""
_CLOSE = """
UPDATE reservation SET status = %s, closed_at = %s WHERE order_id = %s AND status = 'reserved'
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
    wanted = _add_up(lines)
    with transaction.atomic(durable=True):
        is_new = _claim(order_id, ReservationStatus.RESERVED)
        if is_new:
            _fill(order_id, wanted)
        reservation = selectors.find_reservation(order_id)
        if not is_new:
            _require_same(reservation, wanted)
    return Reserved(view=selectors.reservation_view(reservation), is_new=is_new)


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


def _claim(order_id: UUID, status: ReservationStatus) -> bool:
    """Insert the order's reservation; wait for and then yield to another that is being made."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "order_id": order_id,
                "status": status,
                "now": now,
                "expires_at": now + conf.reservation_time(),
                "closed_at": None if status == ReservationStatus.RESERVED else now,
            },
        )
        return bool(cursor.rowcount == 1)


def _fill(order_id: UUID, wanted: dict[str, WantedLine]) -> None:
    active = Product.objects.filter(status=ProductStatus.ACTIVE, sku__in=wanted)
    products = {row["sku"]: row for row in active.values("id", "sku", "name", "price", "currency")}
    if unknown := [line for sku, line in wanted.items() if sku not in products]:
        raise _unknown_sku(unknown)
    quantities = {products[sku]["id"]: line.quantity for sku, line in wanted.items()}
    available = lock_stock(list(quantities))
    changes = {id_: (0, quantity) for id_, quantity in quantities.items()}
    if not move_stock(MovementKind.RESERVED, changes, actor="order", order_id=order_id):
        short = {sku: available[products[sku]["id"]] for sku in wanted}
        raise _out_of_stock(
            [line for line in wanted.values() if short[line.sku] < line.quantity], short
        )
    ReservationLine.objects.bulk_create(
        ReservationLine(
            reservation_id=order_id,
            product_id=products[sku]["id"],
            position=position,
            sku=sku,
            name=products[sku]["name"],
            quantity=line.quantity,
            unit_price=products[sku]["price"],
            currency=products[sku]["currency"],
        )
        for position, (sku, line) in enumerate(wanted.items())
    )


def _require_same(reservation: Reservation, wanted: dict[str, WantedLine]) -> None:
    if reservation.status == ReservationStatus.RELEASED:
        raise ReservationClosed("The reservation was released")
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
    return OutOfStock(
        "Some lines cannot be had in full",
        errors=[
            {
                "pointer": f"#/lines/{line.index}/quantity",
                "detail": f"{line.quantity} of {line.sku} wanted, {available[line.sku]} available",
                "code": OutOfStock.code,
            }
            for line in lines
        ],
        lines=[
            {"sku": line.sku, "requested": line.quantity, "available": available[line.sku]}
            for line in lines
        ],
    )


def release_reservation(*, order_id: UUID) -> None:
    """Free the order's stock; leave a tombstone where it has no reservation yet. Idempotent.

    Raises:
        ReservationClosed: the order is paid, its stock is gone.
    """
    with transaction.atomic(durable=True):
        release(order_id)


def release(order_id: UUID) -> str:
    """Do what `release_reservation` says in the caller's transaction; return what was done.

    Raises:
        ReservationClosed: the order is paid, its stock is gone.
    """
    with transaction.atomic():
        if _claim(order_id, ReservationStatus.RELEASED):
            return "had nothing reserved"
        if _close(order_id, ReservationStatus.RELEASED):
            quantities = _lock_lines(order_id)
            _move_all(
                MovementKind.RELEASED, {id_: (0, -n) for id_, n in quantities.items()}, order_id
            )
            return _done("released", quantities)
    if selectors.find_reservation(order_id).status == ReservationStatus.COMMITTED:
        raise ReservationClosed("The order is paid; its stock is no longer reserved but gone")
    return "was released before"


def commit(order_id: UUID) -> str:
    """Take the order's reserved pieces off the stock; return what was done. Idempotent.

    Needs a transaction.

    Raises:
        NotFound: the order has no reservation.
        ReservationClosed: it was released.
    """
    with transaction.atomic():
        if _close(order_id, ReservationStatus.COMMITTED):
            quantities = _lock_lines(order_id)
            _move_all(
                MovementKind.COMMITTED, {id_: (-n, -n) for id_, n in quantities.items()}, order_id
            )
            return _done("committed", quantities)
    if selectors.find_reservation(order_id).status == ReservationStatus.RELEASED:
        raise ReservationClosed("The reservation of a paid order was released")
    return "was committed before"


def _close(order_id: UUID, status: ReservationStatus) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [status, timezone.now(), order_id])
        return bool(cursor.rowcount == 1)


def _lock_lines(order_id: UUID) -> dict[UUID, int]:
    lines = ReservationLine.objects.filter(reservation_id=order_id)
    quantities = dict(lines.values_list("product_id", "quantity"))
    lock_stock(list(quantities))
    return quantities


def _move_all(kind: MovementKind, changes: dict[UUID, tuple[int, int]], order_id: UUID) -> None:
    if not move_stock(kind, changes, actor="order", order_id=order_id):
        raise RuntimeError(f"the stock that order {order_id} reserved is not there")


def _done(verb: str, quantities: dict[UUID, int]) -> str:
    return f"{verb} {counted(len(quantities), 'line')}, {counted(sum(quantities.values()), 'unit')}"
