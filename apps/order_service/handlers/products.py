"""What is known of products."""

from typing import Any

from apps.order_service import services
from apps.order_service.events import (
    ProductArchived,
    ProductCreated,
    ProductPriceChanged,
    ProductUpdated,
)
from chassis.events import Order, handles
from chassis.events.envelope import Envelope


@handles(ProductCreated, consumer="order.remember_product", takes_envelope=True, order=Order.NEWEST)
def remember_new_product(event: ProductCreated, envelope: Envelope) -> str:
    """Know the product, for carts."""
    return _learn(
        envelope,
        event.sku,
        name=event.name,
        slug=event.slug,
        status=event.status,
        price=event.price,
        currency=event.currency,
    )


@handles(ProductUpdated, consumer="order.remember_product", takes_envelope=True, order=Order.NEWEST)
def remember_changed_product(event: ProductUpdated, envelope: Envelope) -> str:
    """Know the product as it is called now, and whether it is for sale."""
    return _learn(envelope, event.sku, name=event.name, slug=event.slug, status=event.status)


@handles(
    ProductPriceChanged, consumer="order.remember_product", takes_envelope=True, order=Order.NEWEST
)
def remember_new_price(event: ProductPriceChanged, envelope: Envelope) -> str:
    """Know the new price, for carts; placed orders keep theirs."""
    return _learn(envelope, event.sku, price=event.new_price, currency=event.currency)


@handles(
    ProductArchived, consumer="order.remember_product", takes_envelope=True, order=Order.NEWEST
)
def remember_archived_product(event: ProductArchived, envelope: Envelope) -> str:
    """Know that the product is no longer for sale."""
    return _learn(envelope, event.sku, status="archived")


def _learn(envelope: Envelope, sku: str, **told: Any) -> str:
    news = services.learn_product(
        sku=sku, sequence=int(envelope.sequence), at=envelope.time, **told
    )
    return "product remembered" if news else "older than what is known"
