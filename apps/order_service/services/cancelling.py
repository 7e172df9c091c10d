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
from apps.order_service.services import idempotency
from apps.order_service.services.placing import release_quietly
from apps.order_service.services.transitions import change_status
from chassis.events import publish

_NOT_BEING_PAID: Final = Q(payment_in_flight__isnull=True)
_BATCH: Final = 100

log = structlog.get_logger()


def cancel_order(*, order_id: UUID, who: str, reason: str) -> None:
    """Cancel an unpaid order; its stock is released.

    Opens its own transaction. Against a payment at the same time exactly one wins.

    Raises:
        StateConflict: it is past that, or a payment is in flight.
    """
    # An order only moves forward: whoever misses it in the first status finds it in the second.
    for source in states.UNPAID:
        if cancel_from(source, order_id=order_id, who=who, reason=reason):
            return
    order = Order.objects.get(id=order_id)
    if order.payment_in_flight:
        raise StateConflict("A payment of this order is under way", order_status=order.status)
    raise StateConflict(f"The order is {order.status}", order_status=order.status)


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
        if not change_status(
            order_id, source, OrderStatus.CANCELLED, who=who, why=reason, condition=condition
        ):
            return False
        order = Order.objects.get(id=order_id)
        publish(
            events.OrderCancelled(order_id=order_id, user_id=order.user_id, reason=reason),
            subject=str(order_id),
        )
        error = StateConflict("The order was cancelled", order_status=order.status)
        idempotency.finish(error, order_id=order_id)
    log.info("order_cancelled", order_id=str(order_id), reason=reason)
    if source is OrderStatus.PENDING:
        # A request for its stock may be under way: catalog must refuse it when it comes late.
        release_quietly(order_id)
    return True


def cancel_expired_orders(*, now: datetime) -> int:
    """Cancel placed orders whose time to pay is over at `now`; return how many.

    Idempotent. A payment in flight keeps an order.
    """
    expired = _NOT_BEING_PAID & Q(expires_at__lte=now)
    due = Order.objects.filter(expired, status=OrderStatus.PLACED).order_by("expires_at")
    return sum(
        cancel_from(
            OrderStatus.PLACED,
            order_id=order_id,
            who="job:expiry",
            reason="not paid in time",
            condition=expired,
        )
        for order_id in list(due.values_list("id", flat=True)[:_BATCH])
    )


def give_up(order: Order, *, after: timedelta) -> bool:
    """Cancel an order that stayed pending for too long; return whether it was still pending."""
    return cancel_from(
        OrderStatus.PENDING,
        order_id=order.id,
        who="job:recovery",
        reason=f"catalog was unreachable for {after.total_seconds():.0f} s",
    )
