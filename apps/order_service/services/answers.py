"""What the API answers once something was made."""

from typing import Final
from uuid import UUID

from apps.order_service import selectors
from apps.order_service.services.idempotency import Answer
from chassis import json

_JSON: Final = "application/json"


def order_made(status: int, order_id: UUID) -> Answer:
    """Return the answer that carries an order: 201 placed, 202 still pending."""
    return Answer(
        status,
        json.encode(selectors.read_order(order_id)),
        {"Content-Type": _JSON, "Location": f"/api/v1/orders/{order_id}"},
    )


def payment_made(status: int, payment_id: UUID, payment_status: str) -> Answer:
    """Return the answer that carries a payment: 201 succeeded, 202 outcome not known yet."""
    body = {"id": payment_id, "status": payment_status}
    return Answer(status, json.encode(body), {"Content-Type": _JSON})
