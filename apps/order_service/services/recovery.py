"""Finishing orders whose request could not: catalog was unreachable, or the process died."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from apps.order_service import conf
from apps.order_service.models import Order
from apps.order_service.services import cancelling, idempotency
from apps.order_service.services.placing import settle_order
from apps.order_service.services.rounds import Round
from chassis.rest import Broken, Unavailable

_GIVE_UP_AFTER: Final = timedelta(seconds=conf.RECOVERY_SECONDS)

_DUE: Final = Round(
    Order,
    turn="recover_after",
    waits="status = 'pending'",
    retry_seconds=conf.RECOVERY_RETRY_SECONDS,
)

log = structlog.get_logger()


def recover_orders(*, now: datetime) -> int:
    """Ask catalog again about orders left pending at `now`; return how many were decided.

    Each is placed or rejected; one that is RECOVERY_SECONDS old is cancelled. The round ends when
    catalog is unreachable: asking for the next order would only wait again. Idempotent; safe
    beside requests and other jobs.
    """
    decided = 0
    for order in _DUE.due(now):
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
