"""Alerts: what staff should look at, open until it is over."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.catalog_service import conf
from apps.catalog_service.models import Alert, AlertKind, Stock
from chassis import audit, json, retention
from chassis.errors import NotFound

OLD_RESERVATION: Final = timedelta(hours=24)
_KEPT: Final = timedelta(days=365)

_RAISE: Final = """
INSERT INTO alert (kind, subject, details, raised_at)
VALUES (%(kind)s, %(subject)s, %(details)s::jsonb, %(now)s)
ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO UPDATE SET details = excluded.details
"""
_CLEAR: Final = """
UPDATE alert SET cleared_at = %(now)s
WHERE kind = %(kind)s AND subject = %(subject)s AND cleared_at IS NULL
"""
# Not by archiving: a product that is taken up again may still be short, and nothing falls then.
_CLEAR_STOCK: Final = """
UPDATE alert SET cleared_at = %(now)s
FROM stock
WHERE alert.cleared_at IS NULL AND alert.kind IN ('stock_low', 'stock_depleted')
  AND stock.product_id = alert.subject::uuid
  AND stock.on_hand - stock.reserved > CASE alert.kind WHEN 'stock_low' THEN %(low)s ELSE 0 END
"""
_RAISE_OLD: Final = """
INSERT INTO alert (kind, subject, details, raised_at)
SELECT 'reservation_old', order_id, jsonb_build_object('reserved_at', created_at), %(now)s
FROM reservation
WHERE status = 'reserved' AND created_at <= %(before)s AND NOT EXISTS (
    SELECT FROM alert
    WHERE kind = 'reservation_old' AND subject = order_id::text AND cleared_at IS NULL
)
ORDER BY created_at
ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING
"""
_CLEAR_OLD: Final = """
UPDATE alert SET cleared_at = %(now)s
FROM reservation
WHERE alert.cleared_at IS NULL AND alert.kind = 'reservation_old'
  AND reservation.order_id = alert.subject::uuid AND reservation.status <> 'reserved'
"""
# Alerts are cleared after they are raised: behind one that was raised too late, all are.
_DELETE_CLEARED: Final = """
WITH oldest AS (
    SELECT id, raised_at, cleared_at FROM alert WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
), deleted AS (
    DELETE FROM alert USING oldest WHERE alert.id = oldest.id AND oldest.cleared_at < %(before)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(raised_at < %(before)s) THEN max(id) END
FROM oldest
"""


def raise_alert(kind: AlertKind, subject: object, **details: Any) -> None:
    """Open an alert, or keep the one that is open, with these details. Idempotent.

    Args:
        kind: what is wrong.
        subject: the id of what it is about.
        details: what people want to know, as JSON.
    """
    _execute(_RAISE, kind=kind, subject=str(subject), details=json.encode(details).decode())


def clear_alert(kind: AlertKind, subject: object) -> bool:
    """Close an alert, which was over; return whether it was open. Idempotent."""
    return _execute(_CLEAR, kind=kind, subject=str(subject)) == 1


def dismiss(alert_id: int, *, by: UUID) -> None:
    """Close an alert that somebody of staff has seen to.

    Raises:
        NotFound: there is no such alert, or it is closed already.
    """
    with transaction.atomic(durable=True):
        waiting = Alert.objects.filter(pk=alert_id, cleared_at=None)
        if not waiting.update(cleared_at=timezone.now()):
            raise NotFound("The alert is cleared already")
        alert = Alert.objects.get(pk=alert_id)
        audit.record(
            "alert.cleared",
            target_type="alert",
            target_id=alert_id,
            actor_id=by,
            kind=alert.kind,
            subject=alert.subject,
        )


def raise_stock_low(product_id: UUID, *, sku: str, name: str, threshold: int) -> str:
    """Tell staff that a product is running out, unless it is no longer so; return what was done."""
    available = _available(product_id)
    if available > threshold:
        return f"{available} are available again"
    raise_alert(AlertKind.STOCK_LOW, product_id, sku=sku, name=name, threshold=threshold)
    return f"told staff that {available} are available"


def raise_stock_depleted(product_id: UUID, *, sku: str, name: str) -> str:
    """Tell staff that a product is gone, unless it is no longer so; return what was done."""
    available = _available(product_id)
    if available > 0:
        return f"{available} are available again"
    raise_alert(AlertKind.STOCK_DEPLETED, product_id, sku=sku, name=name)
    return "told staff that none is available"


def _available(product_id: UUID) -> int:
    stock = Stock.objects.get(product_id=product_id)
    return stock.on_hand - stock.reserved


def clear_stock_alerts() -> int:
    """Close the alerts of products of which there is enough again; return how many. Idempotent.

    A timed job does it: a sale that is taken back has no alert to look for, and one that is raised
    while the stock rises is closed soon after.
    """
    return _execute(_CLEAR_STOCK, low=conf.low_stock())


def watch_reservations(*, now: datetime) -> int:
    """Open an alert for each reservation that is older than a day at `now`; close those that are over.

    Returns how many were opened. Idempotent. Nothing is released: the deadline is order's.
    """
    _execute(_CLEAR_OLD)
    return _execute(_RAISE_OLD, before=now - OLD_RESERVATION)


def delete_cleared(*, now: datetime) -> int:
    """Delete alerts that were cleared a year ago; return how many. Idempotent."""
    return retention.delete_in_batches(_DELETE_CLEARED, before=now - _KEPT)


def _execute(statement: str, **arguments: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": timezone.now(), **arguments})
        return int(cursor.rowcount)
