"""Closing a reservation: its stock is sold, free again, or given back. Each way is taken once."""

from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.catalog_service.domain.wording import counted
from apps.catalog_service.errors import ReservationClosed
from apps.catalog_service.models import MovementKind, Reservation, ReservationStatus
from apps.catalog_service.selectors import reservations as selectors
from apps.catalog_service.services.stock import move_stock

_CLOSE: Final = """
WITH closed AS (
    UPDATE reservation
    SET status = %(status)s, closed_at = %(now)s, is_cancelled = is_cancelled OR %(cancelled)s
    WHERE order_id = %(order_id)s AND status = %(before)s
    RETURNING order_id
)
SELECT product_id, quantity FROM closed JOIN reservation_line ON reservation_id = closed.order_id
"""
# Released and with no lines: a late PUT finds it closed.
_TOMBSTONE: Final = """
INSERT INTO reservation (order_id, status, created_at, expires_at, closed_at, is_cancelled)
VALUES (%(order_id)s, 'released', %(now)s, %(now)s, %(now)s, %(cancelled)s)
ON CONFLICT (order_id) DO NOTHING
"""


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
    done = _release(order_id, is_cancelled=False)
    if done is None:
        if _status_of(order_id) == ReservationStatus.COMMITTED:
            raise ReservationClosed("The order is paid; its stock is no longer reserved but gone")
        return "was released before"
    return done


def take_back(order_id: UUID) -> str:
    """Put back what a cancelled order holds of the stock, sold or only reserved; return what was done.

    Needs a transaction. Idempotent. A payment told of later takes nothing (ADR 0025).
    """
    done = _release(order_id, is_cancelled=True)
    if done is not None:
        return done
    source, target = ReservationStatus.COMMITTED, ReservationStatus.RETURNED
    if sold := _close(order_id, source, target, is_cancelled=True):
        _move(MovementKind.RETURNED, {id_: (n, 0) for id_, n in sold.items()}, order_id)
        return _done("returned", sold)
    Reservation.objects.filter(order_id=order_id).update(is_cancelled=True)
    return f"was {_status_of(order_id)} before"


def commit(order_id: UUID) -> str:
    """Take the order's reserved pieces off the stock; return what was done. Idempotent.

    Needs a transaction. Of an order that is cancelled anyway nothing is taken: its events were swapped.

    Raises:
        NotFound: the order has no reservation.
        ReservationClosed: it was released, and not because the order was cancelled.
    """
    source, target = ReservationStatus.RESERVED, ReservationStatus.COMMITTED
    if sold := _close(order_id, source, target):
        _move(MovementKind.COMMITTED, {id_: (-n, -n) for id_, n in sold.items()}, order_id)
        return _done("committed", sold)
    reservation = selectors.find_reservation(order_id)
    if reservation.status != ReservationStatus.RELEASED:
        return "was committed before"
    if reservation.is_cancelled:
        return "took nothing: the order was cancelled"
    raise ReservationClosed("The reservation of a paid order was released")


def _release(order_id: UUID, *, is_cancelled: bool) -> str | None:
    """Free what is reserved, or leave a tombstone; return None where the reservation was closed before."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TOMBSTONE,
            {"order_id": order_id, "now": timezone.now(), "cancelled": is_cancelled},
        )
        if cursor.rowcount == 1:
            return "had nothing reserved"
    source, target = ReservationStatus.RESERVED, ReservationStatus.RELEASED
    reserved = _close(order_id, source, target, is_cancelled=is_cancelled)
    if not reserved:
        return None
    _move(MovementKind.RELEASED, {id_: (0, -n) for id_, n in reserved.items()}, order_id)
    return _done("released", reserved)


def _close(
    order_id: UUID,
    source: ReservationStatus,
    target: ReservationStatus,
    *,
    is_cancelled: bool = False,
) -> dict[UUID, int]:
    """Take the reservation from one status to another; return its quantities by product, none if it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLOSE,
            {
                "order_id": order_id,
                "before": source,
                "status": target,
                "now": timezone.now(),
                "cancelled": is_cancelled,
            },
        )
        return dict(cursor.fetchall())


def _move(kind: MovementKind, changes: dict[UUID, tuple[int, int]], order_id: UUID) -> None:
    if not move_stock(kind, changes, actor="order", order_id=order_id):
        raise RuntimeError(f"the stock of order {order_id} cannot be {kind}")


def _status_of(order_id: UUID) -> str:
    return selectors.find_reservation(order_id).status


def _done(verb: str, quantities: dict[UUID, int]) -> str:
    return f"{verb} {counted(len(quantities), 'line')}, {counted(sum(quantities.values()), 'unit')}"
