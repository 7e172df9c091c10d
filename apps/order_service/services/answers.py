"""What the API answers once something was made."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from apps.order_service import selectors
from apps.order_service.domain.totals import PricedLine
from apps.order_service.models import Order
from apps.order_service.services.idempotency import Answer
from chassis import json

_JSON: Final = "application/json"


def order_made(status: int, order: Order, lines: Iterable[PricedLine] = ()) -> Answer:
    """Return the answer that carries an order as it is stored: 201 placed, 202 still pending.

    Args:
        status: of HTTP.
        order: with every column as it is in the database.
        lines: of a placed order.
    """
    return Answer(
        status,
        json.encode(selectors.view_new_order(order, lines)),
        {"Content-Type": _JSON, "Location": f"/api/v1/orders/{order.id}"},
    )


def payment_made(status: int, payment_id: UUID, payment_status: str) -> Answer:
    """Return the answer that carries a payment: 201 succeeded, 202 outcome not known yet."""
    body = {"id": payment_id, "status": payment_status}
    return Answer(status, json.encode(body), {"Content-Type": _JSON})
