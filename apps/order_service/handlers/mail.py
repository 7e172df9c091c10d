"""Mail to customers: one for each step of their orders."""

from typing import Final

from apps.order_service import services
from apps.order_service.domain.states import OrderStatus
from apps.order_service.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRejected,
    OrderShipped,
)
from chassis.events import Order, handles
from chassis.events.envelope import Envelope
from chassis.mail import identify

_CONSUMER: Final = "order.mail"

_Step = (
    OrderPlaced
    | OrderPaid
    | OrderShipped
    | OrderDelivered
    | OrderCancelled
    | OrderRefunded
    | OrderRejected
)


@handles(OrderPlaced, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderPaid, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderShipped, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderDelivered, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderCancelled, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderRefunded, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
@handles(OrderRejected, consumer=_CONSUMER, takes_envelope=True, order=Order.GAPLESS)
def mail_customer(event: _Step, envelope: Envelope) -> str:
    """Write to the customer about the step, if it is one that customers are told of."""
    return services.mail_customer(
        order_id=event.order_id,
        status=OrderStatus(envelope.type.removeprefix("order.")),
        message_id=identify(envelope.id, consumer=_CONSUMER),
    )
