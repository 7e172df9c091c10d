"""What the audit compares with orders: every reservation."""

from collections.abc import Iterator
from typing import Final

from chassis import audit_export

_RESERVATIONS: Final = """
SELECT json_build_object(
    'kind', 'reservation', 'order', order_id, 'status', status, 'is_cancelled', is_cancelled,
    'at', coalesce(closed_at, created_at),
    'lines', coalesce(
        (SELECT json_object_agg(sku, quantity) FROM reservation_line WHERE reservation_id = order_id),
        '{}'
    )
)::text
FROM reservation ORDER BY order_id
"""


def reservations() -> Iterator[str]:
    """Yield a line of the audit's export for each reservation, tombstones too, by the order's id.

    Needs a transaction.
    """
    return audit_export.rows(_RESERVATIONS)
