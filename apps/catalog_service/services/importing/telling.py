"""The events of a batch: what the same changes made by hand publish (services.products)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from apps.catalog_service import events
from apps.catalog_service.models import ProductStatus
from chassis.events import publish_all


class Product(NamedTuple):
    """What the events tell of a product."""

    product_id: UUID
    sku: str
    slug: str
    name: str
    price: Decimal
    currency: str
    status: str


class Change(NamedTuple):
    """A changed product, what it was, whether more than the price differs, and the pictures' URLs."""

    product: Product
    old_price: Decimal
    old_status: str
    other_changed: bool
    old_image_url: str = ""
    image_url: str = ""

    @property
    def archived(self) -> bool:
        return self.product.status == ProductStatus.ARCHIVED != self.old_status


def publish_created(products: Sequence[Product]) -> None:
    """Tell of new products. Needs the transaction that made them."""
    publish_all(
        events.ProductCreated,
        (
            (str(product.product_id), events.ProductCreated(**product._asdict()))
            for product in products
        ),
    )


def publish_changes(changes: Sequence[Change]) -> None:
    """Tell of changed products, the price first. Needs the transaction that changed them."""
    publish_all(events.ProductPriceChanged, _price_changes(changes))
    publish_all(
        events.ProductArchived,
        (
            (
                str(product.product_id),
                events.ProductArchived(product_id=product.product_id, sku=product.sku),
            )
            for product in (change.product for change in changes if change.archived)
        ),
    )
    publish_all(events.ProductUpdated, _updates(changes))


def _price_changes(changes: Sequence[Change]) -> Iterator[tuple[str, events.ProductPriceChanged]]:
    for product, old_price, *_ in changes:
        if product.price != old_price:
            yield (
                str(product.product_id),
                events.ProductPriceChanged(
                    product_id=product.product_id,
                    sku=product.sku,
                    old_price=old_price,
                    new_price=product.price,
                    currency=product.currency,
                ),
            )


def _updates(changes: Sequence[Change]) -> Iterator[tuple[str, events.ProductUpdated]]:
    for change in changes:
        product = change.product
        if change.other_changed and not change.archived:
            yield (
                str(product.product_id),
                events.ProductUpdated(
                    product_id=product.product_id,
                    sku=product.sku,
                    slug=product.slug,
                    name=product.name,
                    status=product.status,
                ),
            )
