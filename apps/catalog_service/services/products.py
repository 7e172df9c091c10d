"""Products: made, changed and archived by staff."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from psycopg import Error as PsycopgError

from apps.catalog_service import conf, events
from apps.catalog_service.errors import SkuFixed, SkuTaken, SlugTaken, VersionConflict
from apps.catalog_service.models import Product, ProductStatus, Stock
from apps.catalog_service.services import prices, search, stored_pictures
from apps.catalog_service.services.categories import hold_category
from chassis import audit
from chassis.errors import NotFound, PublicError
from chassis.events import publish

# By the beginnings of the names that Django gives to the unique constraints.
_TAKEN: Final[Mapping[str, type[PublicError]]] = {
    "product_sku_": SkuTaken,
    "product_slug_": SlugTaken,
}
_SEARCHED: Final = frozenset({"name", "description", "attributes"})
_NOTED_VALUES: Final = ("price", "status")


def create_product(values: Mapping[str, Any], *, by: UUID | None) -> Product:
    """Make a product with no stock yet; without a slug its name gives one.

    Args:
        values: fields by name; `category` is a slug.
        by: the user, for the audit log; None for what runs by itself.

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
        prices.record_prices([product.id], actor=prices.actor_of(by))
        publish(created_event(product), subject=str(product.id))
        _note("product.created", product, by=by, sku=product.sku, price=str(product.price))
        search.learn([product.id])
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


def update_product(
    *,
    slug: str,
    values: Mapping[str, Any],
    by: UUID | None,
    if_versions: Collection[int] | None = None,
) -> Product:
    """Change some fields of a product; nothing is written or told where nothing differs.

    Args:
        slug: of the product.
        values: fields by name, as of `create_product`; a sku is the one that it has.
        by: the user, for the audit log; None for what runs by itself.
        if_versions: the versions of the product that the change is meant for; None is any.

    Raises:
        NotFound, UnknownCategory, SkuFixed, SlugTaken: by what is wrong.
        VersionConflict: the product is of another version by now (ADR 0024).
    """
    with transaction.atomic(durable=True):
        product = lock_product(slug=slug)
        if if_versions is not None and product.version not in if_versions:
            raise VersionConflict("Read it again, and change what is there now")
        if values.get("sku", product.sku) != product.sku:
            raise SkuFixed
        change_product(product, _with_category(values), by=by)
    return product


def archive_product(
    *, slug: str, by: UUID | None, if_versions: Collection[int] | None = None
) -> None:
    """Take a product off sale; it stays in old orders. Idempotent.

    Raises:
        NotFound: there is no such product.
        VersionConflict: as of `update_product`.
    """
    values = {"status": ProductStatus.ARCHIVED}
    update_product(slug=slug, values=values, by=by, if_versions=if_versions)


def lock_product(**key: Any) -> Product:
    """Return the product that has the key, a slug or an id, locked until the transaction ends.

    Raises:
        NotFound: there is no such product.
    """
    # Not the key: reservations may refer to the product meanwhile.
    product = Product.objects.select_for_update(no_key=True).filter(**key).first()
    if product is None:
        raise NotFound("There is no such product")
    return product


def change_product(product: Product, values: Mapping[str, Any], *, by: UUID | None) -> None:
    """Write those of the values that differ, with all that follows. Needs the product locked.

    Args:
        product: from `lock_product`.
        values: by the names of the model's fields.
        by: the user, for the audit log; None for what runs by itself.

    Raises:
        SlugTaken: another product has the slug.
    """
    changes = {
        name: value for name, value in values.items() if _differ(getattr(product, name), value)
    }
    if not changes:
        return
    before = {name: getattr(product, name) for name in {*changes, *_NOTED_VALUES}}
    for name, value in changes.items():
        setattr(product, name, value)
    product.version += 1
    product.updated_at = timezone.now()
    _save(product, update_fields=[*changes, "version", "updated_at"])
    _publish_changes(product, before, changes)
    _note_changes(product, before, changes, by=by)
    if "price" in changes:
        prices.record_prices([product.id], actor=prices.actor_of(by))
    if "image_url" in changes:
        stored_pictures.remove_replaced_on_commit(
            product.id, old_url=before["image_url"], new_url=product.image_url
        )
    if changes.keys() & _SEARCHED:
        search.learn([product.id])


def _differ(old: Any, new: Any) -> bool:
    """Tell whether two values differ; in attributes 1, 1.0 and true are not the same."""
    if isinstance(new, dict):
        return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)
    return bool(old != new)


def _with_category(values: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(values)
    if "category" in changed:
        changed["category_id"] = hold_category(changed.pop("category"))
    return changed


def _save(product: Product, **options: Any) -> None:
    """Save, and say in our words which unique value is taken."""
    if product.slug in conf.RESERVED_SLUGS:
        raise SlugTaken(f"{product.slug} is a path of the list's own")
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


def _note_changes(
    product: Product, before: Mapping[str, Any], changes: Mapping[str, Any], *, by: UUID | None
) -> None:
    archived = changes.get("status") == ProductStatus.ARCHIVED
    values = {
        name: {"old": str(before[name]), "new": str(changes[name])}
        for name in _NOTED_VALUES
        if name in changes
    }
    _note(
        "product.archived" if archived else "product.changed",
        product,
        by=by,
        fields=sorted(name.removesuffix("_id") for name in changes),
        **values,
    )


def _note(action: str, product: Product, *, by: UUID | None, **details: Any) -> None:
    """Note what a user did; what machines do stands in the events."""
    if by is not None:
        audit.record(action, target_type="product", target_id=product.id, actor_id=by, **details)
