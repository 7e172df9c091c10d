"""Reads: what a mail about an order tells."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from apps.order_service.domain.states import OrderStatus
from chassis.database import fetch

# By hand: each step of each order asks it, and Django's own two queries take five times as long.
_READ: Final = """
SELECT o.user_id, o.number, o.status, o.currency, o.subtotal, o.shipping, o.tax, o.total,
       o.from_cart, o.expires_at, o.placed_at IS NOT NULL, o.paid_at IS NOT NULL,
       o.shipping_address, o.requested_lines,
       (
           SELECT jsonb_agg(
               jsonb_build_array(name, quantity, unit_price::text, line_total::text)
               ORDER BY position
           )
           FROM order_line WHERE order_id = o.id
       ),
       c.email, c.name, h.who, h.why
FROM order_history h
JOIN orders o ON o.id = h.order_id
LEFT JOIN customer c ON c.user_id = o.user_id
WHERE h.order_id = %(order_id)s AND h.to_status = %(status)s
"""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line with its name and price."""

    name: str
    quantity: int
    unit_price: Decimal
    line_total: Decimal


@dataclass(frozen=True, slots=True)
class News:
    """How an order came to a status, the order as it is now, and whom to tell.

    `lines` is empty while it has no prices, `email` is None while the customer is not known; `who`
    and `why` are the history's.
    """

    user_id: UUID
    number: str
    status: str
    currency: str
    subtotal: Decimal | None
    shipping: Decimal | None
    tax: Decimal | None
    total: Decimal | None
    from_cart: bool
    expires_at: datetime | None
    was_placed: bool
    was_paid: bool
    shipping_address: dict[str, str]
    requested_lines: list[dict[str, Any]]
    lines: list[SoldLine]
    email: str | None
    name: str | None
    who: str
    why: str


def find_news(order_id: UUID, status: OrderStatus) -> News | None:
    """Return the news that an order came to a status; None where there is no such order, or it did not.

    One query.
    """
    rows = fetch(_READ, {"order_id": order_id, "status": status.value}, prepare=True)
    if not rows:
        return None
    *order, address, requested, lines, email, name, who, why = rows[0]
    sold = [
        SoldLine(name, quantity, Decimal(unit_price), Decimal(line_total))
        for name, quantity, unit_price, line_total in msgspec.json.decode(lines or "[]")
    ]
    documents = map(msgspec.json.decode, (address, requested))
    return News(*(*order, *documents, sold, email, name, who, why))
