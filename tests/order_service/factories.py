"""Requests as customers send them."""

import secrets
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.order_service.domain.lines import merge_lines
from apps.order_service.domain.numbers import BITS, order_number
from apps.order_service.models import Order
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


def act(client: Any, order_id: Any, action: str, **body: Any) -> Any:
    """Cancel, ship, deliver or refund an order, with a body if there is something to say."""
    return client.post(f"{ORDERS}/{order_id}/{action}", body or None)


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


def many_orders(number: int, *, first_id: UUID | None = None, **columns: Any) -> None:
    """Make placed orders of a user each, in one statement; ids follow each other."""
    first = (first_id or uuid7()).int
    now = timezone.now()
    values = {
        "status": "placed",
        "requested_lines": [{"sku": "LAMP", "quantity": 2, "position": 0}],
        "shipping_address": ADDRESS,
        "currency": "EUR",
        "subtotal": Decimal("39.80"),
        "shipping": Decimal("4.90"),
        "tax": Decimal("0.00"),
        "total": Decimal("44.70"),
        "placed_at": now,
        "expires_at": now,
        **columns,
    }
    Order.objects.bulk_create(
        Order(
            id=UUID(int=first + index),
            number=order_number(secrets.randbits(BITS)),
            user_id=uuid7(),
            **values,
        )
        for index in range(number)
    )
