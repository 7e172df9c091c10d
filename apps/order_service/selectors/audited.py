"""What the audit compares with reservations, payments and events: every order."""

from collections.abc import Iterator
from typing import Final

from chassis import audit_export

# An order that was never placed has no lines but those that were asked for.
_ORDERS: Final = """
SELECT json_build_object(
    'kind', 'order', 'id', id, 'status', status,
    'at', greatest(created_at, placed_at, paid_at, shipped_at, delivered_at, rejected_at,
                   cancelled_at, refunded_at),
    'placed', placed_at IS NOT NULL, 'paid', paid_at IS NOT NULL,
    'lines', coalesce(
        (SELECT json_object_agg(sku, quantity) FROM order_line WHERE order_id = orders.id),
        (SELECT json_object_agg(line ->> 'sku', (line ->> 'quantity')::int)
         FROM jsonb_array_elements(requested_lines) AS line)
    ),
    'total', total::text, 'currency', currency, 'in_flight', payment_in_flight,
    'payments', coalesce(
        (SELECT json_agg(json_build_object('id', payment.id, 'status', payment.status,
                                           'amount', amount::text, 'currency', payment.currency)
                         ORDER BY payment.id)
         FROM payment WHERE order_id = orders.id),
        '[]'
    ),
    'event', (SELECT type FROM outbox WHERE subject = orders.id::text
              ORDER BY sequence DESC LIMIT 1),
    'restock', (SELECT (data ->> 'restock')::boolean FROM outbox
                WHERE subject = orders.id::text AND type = 'order.refunded'
                ORDER BY sequence DESC LIMIT 1)
)::text
FROM orders ORDER BY id
"""


def orders() -> Iterator[str]:
    """Yield a line of the audit's export for each order with its payments, by its id.

    Needs a transaction.
    """
    return audit_export.rows(_ORDERS)
