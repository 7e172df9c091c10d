"""What staff do with a paid order: ship it, and note that it has arrived."""

from uuid import UUID

import structlog
from django.db import transaction

from apps.order_service import events
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.errors import StateConflict
from apps.order_service.models import Payment
from apps.order_service.services.transitions import change_from
from chassis.events import publish

log = structlog.get_logger()


def ship_order(*, order_id: UUID, who: str, note: str = "") -> None:
    """Note that a paid order is on its way.

    Opens its own transaction. Against a cancel at the same time exactly one wins.

    Raises:
        StateConflict: it is not paid, or no more, or the provider has given its money back.
    """
    with transaction.atomic(durable=True):
        order = change_from(order_id, (OrderStatus.PAID,), OrderStatus.SHIPPED, who=who, why=note)
        # Asked after the change, which holds the row: whoever notes a refund holds it too.
        if not Payment.objects.filter(order=order, status=PaymentStatus.SUCCEEDED).exists():
            raise StateConflict("The order's money was given back", order_status=OrderStatus.PAID)
        publish(
            events.OrderShipped(order_id=order.id, user_id=order.user_id), subject=str(order.id)
        )
    log.info("order_shipped", order_id=str(order_id))


def deliver_order(*, order_id: UUID, who: str, note: str = "") -> None:
    """Note that a shipped order has arrived.

    Opens its own transaction. Against a refund at the same time exactly one wins.

    Raises:
        StateConflict: it is not on its way, or no more.
    """
    with transaction.atomic(durable=True):
        order = change_from(
            order_id, (OrderStatus.SHIPPED,), OrderStatus.DELIVERED, who=who, why=note
        )
        publish(
            events.OrderDelivered(order_id=order.id, user_id=order.user_id), subject=str(order.id)
        )
    log.info("order_delivered", order_id=str(order_id))
