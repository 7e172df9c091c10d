"""The states of an order and of a payment, and the ways between them, as data."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class PaymentStatus(StrEnum):
    """Where a payment stands.

    `unknown` means that the provider may have taken the money, `refunding` that it is to give back
    what it took.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


TRANSITIONS: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset(
        {OrderStatus.PLACED, OrderStatus.REJECTED, OrderStatus.CANCELLED}
    ),
    OrderStatus.PLACED: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.REFUNDED}),
    OrderStatus.DELIVERED: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}

UNPRICED: Final = (OrderStatus.PENDING, OrderStatus.REJECTED, OrderStatus.CANCELLED)
"""An order in one of these may have no prices."""

UNPAID: Final = (OrderStatus.PENDING, OrderStatus.PLACED)
"""Open orders that nobody has paid for: they can be cancelled, and their number is limited."""

PAID_FOR: Final = (
    OrderStatus.PAID,
    OrderStatus.SHIPPED,
    OrderStatus.DELIVERED,
    OrderStatus.REFUNDED,
)
"""An order in one of these was paid at some time."""

OPEN_PAYMENT: Final = (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)
"""A payment in one of these has no outcome yet; an order has at most one such."""


class TransitionNotAllowed(Exception):
    """The state machine has no such way."""


def require_transition(source: OrderStatus, target: OrderStatus) -> None:
    """Check that an order may go from one status to the other.

    Raises:
        TransitionNotAllowed: it may not.
    """
    if target not in TRANSITIONS[source]:
        raise TransitionNotAllowed(f"{source} -> {target}")
