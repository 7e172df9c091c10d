"""Products: made, changed and archived by staff."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from psycopg import Error as PsycopgError

from apps.catalog_service import conf, events
from apps.catalog_service.errors import SkuTaken, SlugTaken
from apps.catalog_service.models import Product, ProductStatus, Stock
from apps.catalog_service.services.categories import hold_category
from chassis.errors import NotFound, PublicError
from chassis.events import publish

# By the beginnings of the names that Django gives to the unique constraints.
_TAKEN: Final[Mapping[str, type[PublicError]]] = {
    "product_sku_": SkuTaken,
    "product_slug_": SlugTaken,
}


def create_product(values: Mapping[str, Any]) -> Product:
    """Make a product with no stock yet; without a slug its name gives one.

    Args:
        values: fields by name; `category` is a slug.

    Raises:
        UnknownCategory, SkuTaken, SlugTaken: by what is wrong with them.
    """
    with transaction.atomic(durable=True):
        product = Product(**_with_category(values))
        product.currency = product.currency or conf.currency()
        if product.slug:
            _save(product, force_insert=True)
        else:
            _save_with_free_slug(product)
        Stock.objects.create(product=product)
        publish(created_event(product), subject=str(product.id))
    return product


def slug_candidates(product: Product) -> Iterator[str]:
    """Yield slugs for a product: its name, with the sku where that is taken, with its id at last."""
    sku = slugify(product.sku)
    name = slugify(product.name)[:100].strip("-_") or sku or "product"
    yield name
    yield f"{name[: 119 - len(sku)]}-{sku}"
    yield f"{name[:87]}-{product.id.hex}"


def _save_with_free_slug(product: Product) -> None:
    """Insert with the first slug that no other product has, one that is being made included."""
    taken: SlugTaken | None = None
    for slug in slug_candidates(product):
        product.slug = slug
        try:
            _save(product, force_insert=True)
        except SlugTaken as error:
            taken = error
        else:
            return
    raise taken or SlugTaken


def update_product(*, slug: str, values: Mapping[str, Any]) -> Product:
    """Change some fields of a product; nothing is written or told where nothing differs.

    Raises:
        NotFound, UnknownCategory, SlugTaken: by what is wrong.
    """
    with transaction.atomic(durable=True):
        product = _lock(slug)
        before = {field: getattr(product, field) for field in ("price", "status")}
        changes = {
            name: value
            for name, value in _with_category(values).items()
            if _differ(getattr(product, name), value)
        }
        if changes:
            for name, value in changes.items():
                setattr(product, name, value)
            product.updated_at = timezone.now()
            _save(product, update_fields=[*changes, "updated_at"])
            _publish_changes(product, before, changes)
    return product


def archive_product(*, slug: str) -> None:
    """Take a product off sale; it stays in old orders. Idempotent.

    Raises:
        NotFound: there is no such product.
    """
    update_product(slug=slug, values={"status": ProductStatus.ARCHIVED})


def _differ(old: Any, new: Any) -> bool:
    """Tell whether two values differ; in attributes 1, 1.0 and true are not the same."""
    if isinstance(new, dict):
        return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)
    return bool(old != new)


def _lock(slug: str) -> Product:
    # Not the key: reservations may refer to the product meanwhile.
    product = Product.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if product is None:
        raise NotFound("There is no such product")
    return product


def _with_category(values: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(values)
    if "category" in changed:
        changed["category_id"] = hold_category(changed.pop("category"))
    return changed


def _save(product: Product, **options: Any) -> None:
    """Save, and say in our words which unique value is taken."""
    try:
        with transaction.atomic():
            product.save(**options)
    except IntegrityError as error:
        broken = error.__cause__
        constraint = broken.diag.constraint_name if isinstance(broken, PsycopgError) else None
        for start, failure in _TAKEN.items():
            if (constraint or "").startswith(start):
                raise failure from error
        raise


def created_event(product: Product) -> events.ProductCreated:
    """Return what is published of a new product."""
    return events.ProductCreated(
        product_id=product.id,
        sku=product.sku,
        slug=product.slug,
        name=product.name,
        price=product.price,
        currency=product.currency,
        status=product.status,
    )


def _publish_changes(
    product: Product, before: Mapping[str, Any], changes: Mapping[str, Any]
) -> None:
    subject = str(product.id)
    if "price" in changes:
        publish(
            events.ProductPriceChanged(
                product_id=product.id,
                sku=product.sku,
                old_price=before["price"],
                new_price=product.price,
                currency=product.currency,
            ),
            subject=subject,
        )
    if changes.get("status") == ProductStatus.ARCHIVED:
        publish(events.ProductArchived(product_id=product.id, sku=product.sku), subject=subject)
    elif set(changes) - {"price"}:
        publish(
            events.ProductUpdated(
                product_id=product.id,
                sku=product.sku,
                slug=product.slug,
                name=product.name,
                status=product.status,
            ),
            subject=subject,
        )
