"""Products, categories and requests as callers send them."""

import itertools
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from apps.catalog_service.models import Category, Product, Stock, StockMovement
from apps.catalog_service.services.categories import create_category
from apps.catalog_service.services.products import create_product
from apps.catalog_service.services.stock import adjust_stock
from chassis.ids import uuid7

PRODUCTS = "/api/v1/catalog/products"
CATEGORIES = "/api/v1/catalog/categories"

_numbers = itertools.count(1)


def category(name: str = "Lighting", **values: Any) -> Category:
    """Return the category of this name, made unless it is there."""
    slug = values.get("slug", name.lower())
    return Category.objects.filter(slug=slug).first() or create_category(
        {"name": name, "slug": slug, **values}, by=None
    )


def product(on_hand: int = 0, **values: Any) -> Product:
    """Return a new active product with this stock."""
    number = next(_numbers)
    slug = values.pop("category", None) or _usual_category()
    made = create_product(
        {
            "sku": f"SKU-{number}",
            "name": f"Product {number}",
            "price": Decimal("10.00"),
            "category": slug,
            **values,
        },
        by=None,
    )
    if on_hand:
        adjust_stock(slug=made.slug, quantity=on_hand, reason="counted", actor="test")
    return made


def _usual_category() -> str:
    """Return the slug of the category that `category` makes; it is asked for as often as products are made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM category WHERE slug = 'lighting'")
        found = cursor.rowcount
    return "lighting" if found else category().slug


def product_body(**changes: Any) -> dict[str, Any]:
    """Return the body of a new product."""
    return {
        "sku": "LAMP-1",
        "name": "Desk lamp",
        "category": "lighting",
        "price": "19.90",
        "currency": "EUR",
        **changes,
    }


def reserve(client: Any, *lines: tuple[Any, Any], order_id: UUID | str | None = None) -> Any:
    """Ask for a reservation; of a new order unless one is given."""
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
    return client.put(reservation_path(order_id or uuid7()), body)


def reservation_path(order_id: Any) -> str:
    """Return where an order's reservation is."""
    return f"/internal/v1/reservations/{order_id}"


def stock_of(made: Product) -> tuple[int, int]:
    """Return (on_hand, reserved) of a product."""
    stock = Stock.objects.get(product=made)
    return stock.on_hand, stock.reserved


def ledger_of(made: Product) -> tuple[int, int]:
    """Return what the ledger of a product sums up to: (on_hand, reserved)."""
    sums = StockMovement.objects.filter(product=made).aggregate(Sum("on_hand"), Sum("reserved"))
    return sums["on_hand__sum"] or 0, sums["reserved__sum"] or 0
