"""What this service tells others, and what it hears."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from chassis.events import AwareDatetime, consumes, event


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedLine:
    """A line of a placed order."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal


@event("order.placed", version=1, subject="order id", consumers=("catalog", "order"))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPlaced:
    """An order has its prices and its stock, and waits for payment."""

    order_id: UUID
    user_id: UUID
    number: str
    lines: tuple[PlacedLine, ...]
    total: Decimal
    currency: str


@event("order.paid", version=1, subject="order id", consumers=("catalog", "order"))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPaid:
    """An order is paid for: its stock is sold."""

    order_id: UUID
    user_id: UUID
    payment_id: UUID
    total: Decimal
    currency: str


@event("order.cancelled", version=1, subject="order id", consumers=("catalog", "order"))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled:
    """An order will not be fulfilled: its stock is free again."""

    order_id: UUID
    user_id: UUID
    reason: str


@event("order.rejected", version=1, subject="order id", consumers=("catalog", "order"))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRejected:
    """An order could not be placed: whatever it holds in stock is free again."""

    order_id: UUID
    user_id: UUID
    reason: str


@event("order.refunded", version=1, subject="order id", consumers=("catalog", "order"))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRefunded:
    """An order's money goes back; `restock` tells whether its goods come back as well."""

    order_id: UUID
    user_id: UUID
    payment_id: UUID
    total: Decimal
    currency: str
    reason: str
    restock: bool


@event("order.shipped", version=1, subject="order id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderShipped:
    """An order is on its way."""

    order_id: UUID
    user_id: UUID


@event("order.delivered", version=1, subject="order id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderDelivered:
    """An order has arrived."""

    order_id: UUID
    user_id: UUID


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
    not_before: AwareDatetime


@consumes("user.deactivated")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserDeactivated:
    """An account was closed: tokens issued at or before `not_before` are no longer good."""

    user_id: UUID
    not_before: AwareDatetime


@consumes("product.created")
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductCreated:
    """Catalog added a product."""

    sku: str
    slug: str
    name: str
    price: Decimal
    currency: str
    status: str


@consumes("product.updated")
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductUpdated:
    """Catalog changed a product, but for its price."""

    sku: str
    slug: str
    name: str
    status: str


@consumes("product.price_changed")
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductPriceChanged:
    """A product costs something else from now on."""

    sku: str
    new_price: Decimal
    currency: str


@consumes("product.archived")
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductArchived:
    """A product is no longer for sale."""

    sku: str
