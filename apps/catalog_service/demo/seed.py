"""Fill a shop with the demo catalogue."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.catalog_service import conf
from apps.catalog_service.demo.data import Catalogue, DemoProduct, catalogue
from apps.catalog_service.demo.pictures import draw
from apps.catalog_service.models import Category, MovementKind, Product, Stock
from apps.catalog_service.services import prices, search
from apps.catalog_service.services.products import created_event
from apps.catalog_service.services.stock import move_stock
from chassis.events import publish

_ACTOR: Final = "seed_demo"
_READABLE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many products and categories the demo catalogue has, and how many products were new."""

    products: int
    categories: int
    made: int


def seed() -> Seeded:
    """Add what the shop lacks of the demo catalogue: pictures first, then rows. Idempotent.

    A product that is there, by its sku, stays as it is; so does a picture. Two at once are safe:
    the second waits for the first and adds what is still missing.
    """
    demo = catalogue()
    write_pictures(demo.products)
    with transaction.atomic(durable=True):
        _wait_for_others()
        made = _add_products(demo)
        _fill_stock(made)
        ids = [product.id for product, _ in made]
        prices.record_prices(ids, actor=_ACTOR)
        for product, _ in made:
            publish(created_event(product), subject=str(product.id))
        search.learn(ids)
    return Seeded(len(demo.products), len(demo.categories), len(made))


def write_pictures(products: Iterable[DemoProduct]) -> None:
    """Write the pictures that are missing; each appears whole or not at all."""
    folder = conf.media_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for product in products:
        file = folder / product.file
        # One that a crash cut short is empty.
        if not file.exists() or not file.stat().st_size:
            _write(file, draw(product.picture))


def _write(file: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as new:
        try:
            new.write(text)
            new.flush()
            # The web process may run as another user.
            Path(new.name).chmod(_READABLE)
            Path(new.name).replace(file)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def _wait_for_others() -> None:
    """Let a row that another transaction is adding hold this one up for longer than usual."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '30s'")


def _add_products(demo: Catalogue) -> list[tuple[Product, DemoProduct]]:
    """Insert the products whose sku is free; return those that this call inserted."""
    there = set(Product.objects.values_list("sku", flat=True))
    lacking = {product.sku for product in demo.products} - there
    categories = _ensure_categories(demo, lacking)
    slugs = set(Product.objects.values_list("slug", flat=True))
    rows = [
        (_row(product, categories[slug], slugs), product)
        for slug, product in _mixed(demo)
        if product.sku in lacking
    ]
    # A sku or slug that another transaction takes meanwhile is left to it.
    Product.objects.bulk_create((row for row, _ in rows), ignore_conflicts=True)
    inserted = set(
        Product.objects.filter(id__in=[row.id for row, _ in rows]).values_list("id", flat=True)
    )
    return [(row, product) for row, product in rows if row.id in inserted]


def _ensure_categories(demo: Catalogue, skus: set[str]) -> dict[str, UUID]:
    """Return the ids of the categories that these products need, made where they are missing."""
    wanted = [
        Category(slug=category.slug, name=category.name)
        for category in demo.categories
        if any(product.sku in skus for product in category.products)
    ]
    Category.objects.bulk_create(wanted, ignore_conflicts=True)
    found = Category.objects.filter(slug__in=[category.slug for category in wanted])
    return dict(found.values_list("slug", "id"))


def _mixed(demo: Catalogue) -> list[tuple[str, DemoProduct]]:
    """Return (category slug, product), categories by turns: the newest are of every kind."""
    columns = [
        [(category.slug, item) for item in category.products] for category in demo.categories
    ]
    return [entry for turn in zip_longest(*columns) for entry in turn if entry is not None]


def _row(product: DemoProduct, category_id: UUID, slugs: set[str]) -> Product:
    taken = product.slug in slugs
    return Product(
        sku=product.sku,
        slug=f"{product.slug}-{product.sku.lower()}" if taken else product.slug,
        name=product.name,
        description=product.description,
        category_id=category_id,
        price=product.price,
        currency=conf.currency(),
        image_url=f"{settings.MEDIA_URL}{product.file}",
        attributes=product.attributes,
    )


def _fill_stock(made: list[tuple[Product, DemoProduct]]) -> None:
    Stock.objects.bulk_create(Stock(product=row) for row, _ in made)
    changes = {row.id: (product.stock, 0) for row, product in made if product.stock}
    if changes and not move_stock(
        MovementKind.INITIAL, changes, actor=_ACTOR, reason="Demo catalogue"
    ):
        raise RuntimeError("stock that was just made could not be filled")
