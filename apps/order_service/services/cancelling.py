"""Cancelling: by people, and by time."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from apps.order_service import events
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus
from apps.order_service.errors import StateConflict
from apps.order_service.models import Order
from apps.order_service.services import carts, idempotency
from apps.order_service.services.placing import release_quietly
from apps.order_service.services.refunding import owe_back
from apps.order_service.services.transitions import change_status, conflict
from chassis.database import fetch
from chassis.events import publish

_NOT_BEING_PAID: Final = Q(payment_in_flight__isnull=True)
_BATCH: Final = 100

# Asked each second, so by hand; what decides is the condition with which each is cancelled.
_EXPIRED: Final = """
SELECT id FROM orders
WHERE status = 'placed' AND payment_in_flight IS NULL AND expires_at <= %(now)s
ORDER BY expires_at LIMIT %(limit)s
"""

log = structlog.get_logger()


def cancel_order(*, order_id: UUID, who: str, reason: str) -> None:
    """Cancel an order that is not on its way yet; its stock is free again, its money goes back.

    Opens its own transaction. Against a payment or a shipping at the same time exactly one wins:
    who cancels an order that was not paid does not cancel one that was paid meanwhile.

    Raises:
        StateConflict: it is past that, or a payment is in flight.
    """
    order = Order.objects.get(id=order_id)
    # Placing it meanwhile changes nothing for who cancels: what is missed in the first status is
    # found in the second.
    sources = states.UNPAID if order.status in states.UNPAID else (OrderStatus.PAID,)
    for source in sources:
        if cancel_from(source, order_id=order_id, who=who, reason=reason):
            return
    order.refresh_from_db()
    raise conflict(order)


def cancel_from(
    source: OrderStatus,
    *,
    order_id: UUID,
    who: str,
    reason: str,
    condition: Q = _NOT_BEING_PAID,
) -> bool:
    """Cancel an order if it is in `source`; return whether it was. Opens its own transaction."""
    with transaction.atomic(durable=True):
        if not _cancel(source, order_id=order_id, who=who, reason=reason, condition=condition):
            return False
        if source is OrderStatus.PENDING:
            carts.put_back(order_id)
    log.info("order_cancelled", order_id=str(order_id))
    if source is OrderStatus.PENDING:
        # A request for its stock may be under way: catalog must refuse it when it comes late.
        release_quietly(order_id)
    return True


def _cancel(source: OrderStatus, *, order_id: UUID, who: str, reason: str, condition: Q) -> bool:
    """Cancel an order if it is in `source`, and all that follows from it here."""
    if not change_status(
        order_id, source, OrderStatus.CANCELLED, who=who, why=reason, condition=condition
    ):
        return False
    order = Order.objects.get(id=order_id)
    if source is OrderStatus.PAID:
        owe_back(order)
    publish(
        events.OrderCancelled(order_id=order_id, user_id=order.user_id, reason=reason),
        subject=str(order_id),
    )
    error = StateConflict("The order was cancelled", order_status=order.status)
    idempotency.finish(error, order_id=order_id)
    return True


def cancel_unpaid_orders(*, user_id: UUID, who: str, reason: str) -> int:
    """Cancel what a user has ordered and not paid for; return how many orders. Idempotent.

    Needs a transaction, and calls nobody: the events release the stock, also of an order that is
    being placed. An order whose payment is under way stays: it is paid, or its time to pay ends.
    Nothing is put back into the cart of an account that is closed.
    """
    # Held at once, by id: whoever else takes several takes them in the same sequence.
    held = Order.objects.select_for_update(no_key=True).order_by("id")
    open_orders = held.filter(user_id=user_id, status__in=states.UNPAID)
    return sum(
        # Placed meanwhile, it is found in the second status.
        any(
            _cancel(source, order_id=order_id, who=who, reason=reason, condition=_NOT_BEING_PAID)
            for source in states.UNPAID
        )
        for order_id in list(open_orders.values_list("id", flat=True))
    )


def cancel_expired_orders(*, now: datetime) -> int:
    """Cancel placed orders whose time to pay is over at `now`; return how many.

    Idempotent. A payment in flight keeps an order.
    """
    expired = _NOT_BEING_PAID & Q(expires_at__lte=now)
    return sum(
        cancel_from(
            OrderStatus.PLACED,
            order_id=order_id,
            who="job:expiry",
            reason="not paid in time",
            condition=expired,
        )
        for (order_id,) in fetch(_EXPIRED, {"now": now, "limit": _BATCH}, prepare=True)
    )


def give_up(order: Order, *, after: timedelta) -> bool:
    """Cancel an order that stayed pending for too long; return whether it was still pending."""
    return cancel_from(
        OrderStatus.PENDING,
        order_id=order.id,
        who="job:recovery",
        reason=f"catalog was unreachable for {after.total_seconds():.0f} s",
    )
