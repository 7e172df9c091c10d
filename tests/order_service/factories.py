"""Requests as customers send them."""

from typing import Any
from uuid import UUID

from apps.order_service.domain.lines import merge_lines
from apps.order_service.services import Call, Draft
from chassis.ids import uuid7

ORDERS = "/api/v1/orders"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Keizersgracht 1",
    "city": "Amsterdam",
    "postal_code": "1015 CN",
    "country": "NL",
}


def order_body(*lines: tuple[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the body of an order for these skus and quantities, two lamps if none is given."""
    return {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("LAMP", 2)]],
        "shipping_address": ADDRESS,
        **changes,
    }


def place(client: Any, *lines: tuple[str, Any], key: str | None = None, **changes: Any) -> Any:
    """Send an order; under a new key unless one is given."""
    key = key or str(uuid7())
    body = order_body(*lines, **changes)
    return client.post(ORDERS, body, headers={"Idempotency-Key": key})


def pay(client: Any, order_id: Any, token: str = "tok_ok", *, key: str | None = None) -> Any:
    """Send a payment; under a new key unless one is given."""
    return client.post(
        f"{ORDERS}/{order_id}/payments",
        {"method": "sandbox", "token": token},
        headers={"Idempotency-Key": key or str(uuid7())},
    )


def cancel(client: Any, order_id: Any) -> Any:
    """Cancel an order."""
    return client.post(f"{ORDERS}/{order_id}/cancel")


def call(user_id: UUID, *, key: str = "key", path: str = ORDERS, body_hash: str = "0") -> Call:
    """Return a call as the API hands it to a service."""
    return Call(user_id=user_id, path=path, key=key, body_hash=body_hash)


def draft(user_id: UUID, *lines: tuple[str, int], **changes: Any) -> Draft:
    """Return an order as the API hands it to a service."""
    return Draft(
        user_id=user_id,
        lines=merge_lines(lines or [("LAMP", 2)]),
        shipping_address=ADDRESS,
        **changes,
    )
