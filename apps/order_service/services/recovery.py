"""Finishing orders whose request could not: catalog was unreachable, or the process died."""

import time
from datetime import datetime, timedelta
from typing import Final

import structlog

from apps.order_service import conf
from apps.order_service.models import Order
from apps.order_service.services import cancelling, idempotency
from apps.order_service.services.placing import settle_order
from chassis.database import fetch
from chassis.rest import Broken, Unavailable

_GIVE_UP_AFTER: Final = timedelta(seconds=conf.RECOVERY_SECONDS)

# Taking an order moves its next turn, in one statement: two jobs at once take different orders, and
# an order that fails goes to the back of the queue.
_TAKE: Final = """
UPDATE orders SET recover_after = %(now)s::timestamptz + make_interval(secs => %(retry)s)
WHERE id = (
    SELECT id FROM orders WHERE status = 'pending' AND recover_after <= %(now)s
    ORDER BY recover_after LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""

log = structlog.get_logger()


def recover_orders(*, now: datetime) -> int:
    """Ask catalog again about orders left pending at `now`; return how many were decided.

    Each is placed or rejected; one that is RECOVERY_SECONDS old is cancelled. The round ends when
    catalog is unreachable: asking for the next order would only wait again. Idempotent; safe
    beside requests and other jobs.
    """
    ends = time.monotonic() + conf.ROUND_SECONDS
    decided = 0
    while time.monotonic() < ends and (order := _take_due(now)) is not None:
        with idempotency.resumed(order_id=order.id):
            if order.created_at <= now - _GIVE_UP_AFTER:
                decided += cancelling.give_up(order, after=_GIVE_UP_AFTER)
                continue
            try:
                settle_order(order, who="job:recovery")
            except Unavailable as error:
                log.warning("order_still_pending", order_id=str(order.id), reason=str(error))
                if isinstance(error, Broken):  # of this order: the others need not wait for it
                    continue
                break
            decided += 1
    return decided


def _take_due(now: datetime) -> Order | None:
    taken = fetch(_TAKE, {"now": now, "retry": conf.RECOVERY_RETRY_SECONDS}, prepare=True)
    return Order.objects.get(id=taken[0][0]) if taken else None
