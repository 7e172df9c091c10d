"""How orders and payments that wait for somebody are doing: what an operator is told of the whole service."""

from typing import Final

from chassis.database import fetch

# Each from the index of those that wait; few do. Clocks of two servers may differ: no age is below zero.
_READ: Final = """
SELECT (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))::float8
        FROM orders WHERE status = 'pending'),
       (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))::float8
        FROM payment WHERE status IN ('pending', 'unknown')),
       (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(settled_at)))::float8
        FROM payment WHERE status = 'refunding')
"""

HELP: Final = {
    "souk_orders_pending_oldest_seconds": "Age of the oldest order that is neither placed nor rejected; 0 without any.",
    "souk_payments_open_oldest_seconds": "Age of the oldest payment without an outcome; 0 without any.",
    "souk_refunds_owed_oldest_seconds": "Since the payment was taken that is owed back for longest; 0 without any.",
}


def read() -> dict[str, float]:
    """Return the figures by name; one query."""
    ((pending, opened, owed),) = fetch(_READ, {}, prepare=True)
    return dict(zip(HELP, (pending or 0.0, opened or 0.0, owed or 0.0), strict=True))
