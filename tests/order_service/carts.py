"""Carts as customers send them."""

from typing import Any

from chassis.ids import uuid7
from tests.order_service.factories import ADDRESS

CART = "/api/v1/cart"
CHECKOUT = f"{CART}/checkout"


def item(sku: str) -> str:
    """Return the path of a product in the cart."""
    return f"{CART}/items/{sku}"


def fill(client: Any, *lines: tuple[str, Any]) -> Any:
    """Put lines into the cart, two lamps if none is given; return the last answer."""
    response = None
    for sku, quantity in lines or [("LAMP", 2)]:
        response = client.put(item(sku), {"quantity": quantity})
    return response


def check_out(client: Any, *, key: str | None = None, **changes: Any) -> Any:
    """Order what is in the cart; under a new key unless one is given."""
    return client.post(
        CHECKOUT,
        {"shipping_address": ADDRESS, **changes},
        headers={"Idempotency-Key": key or str(uuid7())},
    )


def cart_of(client: Any) -> list[tuple[str, int]]:
    """Return what is in the cart: skus and quantities."""
    return [(line["sku"], line["quantity"]) for line in client.get(CART).json()["lines"]]
