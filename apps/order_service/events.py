"""What this service tells others, and what it hears."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from chassis.events import consumes, event


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedLine:
    """A line of a placed order."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal


@event("order.placed", version=1, consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPlaced:
    """An order has its prices and its stock, and waits for payment."""

    order_id: UUID
    user_id: UUID
    number: str
    lines: tuple[PlacedLine, ...]
    total: Decimal
    currency: str


@event("order.paid", version=1, consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPaid:
    """An order is paid for: its stock is sold."""

    order_id: UUID
    user_id: UUID
    payment_id: UUID
    total: Decimal
    currency: str


@event("order.cancelled", version=1, consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled:
    """An order will not be fulfilled: its stock is free again."""

    order_id: UUID
    user_id: UUID
    reason: str


@event("order.rejected", version=1, consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRejected:
    """An order could not be placed: whatever it holds in stock is free again."""

    order_id: UUID
    user_id: UUID
    reason: str


@consumes("user.registered")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserRegistered:
    """Someone opened an account."""

    user_id: UUID
    email: str
    name: str


@consumes("user.updated")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserUpdated:
    """Someone changed name or address."""

    user_id: UUID
    email: str
    name: str


@consumes("user.role_changed")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserRoleChanged:
    """Someone's role changed: tokens issued at or before `not_before` carry the old one."""

    user_id: UUID
    not_before: datetime


@consumes("user.deactivated")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserDeactivated:
    """An account was closed: tokens issued at or before `not_before` are no longer good."""

    user_id: UUID
    not_before: datetime
