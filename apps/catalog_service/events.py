"""Events that catalog publishes, and its views of those that it consumes."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from chassis.events import AwareDatetime, consumes, event


@event("product.created", version=1, subject="product id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductCreated:
    """A product was added."""

    product_id: UUID
    sku: str
    slug: str
    name: str
    price: Decimal
    currency: str
    status: str


@event("product.updated", version=1, subject="product id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductUpdated:
    """A product's description, category, status or other fields changed."""

    product_id: UUID
    sku: str
    slug: str
    name: str
    status: str


@event("product.price_changed", version=1, subject="product id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductPriceChanged:
    """A product costs something else from now on; placed orders keep their price."""

    product_id: UUID
    sku: str
    old_price: Decimal
    new_price: Decimal
    currency: str


@event("product.archived", version=1, subject="product id", consumers=("order",))
@dataclass(frozen=True, kw_only=True, slots=True)
class ProductArchived:
    """A product is no longer for sale."""

    product_id: UUID
    sku: str


@event("stock.low", version=1, subject="product id", consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class StockLow:
    """What is available of a product fell to the threshold, or below it, from above."""

    product_id: UUID
    sku: str
    name: str
    available: int
    threshold: int


@event("stock.depleted", version=1, subject="product id", consumers=("catalog",))
@dataclass(frozen=True, kw_only=True, slots=True)
class StockDepleted:
    """The last available piece of a product is gone."""

    product_id: UUID
    sku: str
    name: str
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SoldLine:
    """A line of an order, as far as catalog looks at it."""

    sku: str
    quantity: int


@consumes("order.placed")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPlaced:
    """Order's event."""

    order_id: UUID
    lines: tuple[SoldLine, ...]


@consumes("order.paid")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPaid:
    """Order's event."""

    order_id: UUID


@consumes("order.cancelled")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled:
    """Order's event."""

    order_id: UUID


@consumes("order.refunded")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRefunded:
    """Order's event; `restock` tells whether the goods come back."""

    order_id: UUID
    restock: bool


@consumes("order.rejected")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRejected:
    """Order's event."""

    order_id: UUID


@consumes("user.role_changed")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserRoleChanged:
    """Auth's event."""

    user_id: UUID
    not_before: AwareDatetime


@consumes("user.deactivated")
@dataclass(frozen=True, kw_only=True, slots=True)
class UserDeactivated:
    """Auth's event."""

    user_id: UUID
    not_before: AwareDatetime
