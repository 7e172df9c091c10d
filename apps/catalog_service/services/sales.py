"""What sells: units ordered per product and day."""

from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from apps.catalog_service.events import SoldLine

# Rows in key order: two orders of the same products cannot lock each other out.
_COUNT = """
WITH sold AS (
    SELECT product.id, line.units
    FROM unnest(%s::text[], %s::int[]) AS line (sku, units) JOIN product USING (sku)
), counted AS (
    INSERT INTO product_sales (product_id, date, units)
    SELECT id, %s, units FROM sold ORDER BY id
    ON CONFLICT (product_id, date) DO UPDATE SET units = product_sales.units + excluded.units
)
SELECT coalesce(sum(units), 0)::int FROM sold
"""


def count_sales(lines: Iterable[SoldLine]) -> int:
    """Add an order's lines to today's sales; return the units counted. Needs a transaction.

    Not idempotent: the inbox calls it once per event. A sku that does not exist is not counted.
    """
    units: dict[str, int] = {}
    for line in lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(units), list(units.values()), timezone.now().date()])
        (counted,) = cursor.fetchone()
    return int(counted)
