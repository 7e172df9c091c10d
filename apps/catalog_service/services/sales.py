"""What sells: units ordered per product and day, and the popularity that they give."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from apps.catalog_service.events import SoldLine
from chassis import retention
from chassis.database import fetch

POPULAR_DAYS: Final = 30
"""Days, today included, whose sales make a product popular."""

_KEPT: Final = timedelta(days=365)

# Rows in key order: two orders of the same products cannot lock each other out.
_COUNT = """
WITH sold AS (
    SELECT product.id, line.units
    FROM unnest(%(skus)s::text[], %(units)s::int[]) AS line (sku, units) JOIN product USING (sku)
), counted AS (
    INSERT INTO product_sales (product_id, date, units)
    SELECT id, %(today)s::date, units FROM sold ORDER BY id
    ON CONFLICT (product_id, date) DO UPDATE SET units = product_sales.units + excluded.units
)
SELECT coalesce(sum(units), 0)::int FROM sold
"""

# A product that someone else holds is left for the next time. Nothing but the popularity changes:
# neither the version nor the time of an edit is staff's business here.
_REFRESH: Final = """
WITH sold AS (
    SELECT asked.product_id, least(coalesce(sum(units), 0), 2147483647) AS units
    FROM ({asked}) AS asked
    LEFT JOIN product_sales ON product_sales.product_id = asked.product_id AND date > %(before)s
    GROUP BY asked.product_id
), differing AS (
    SELECT product.id, sold.units FROM product JOIN sold ON sold.product_id = product.id
    WHERE product.popularity <> sold.units
    ORDER BY product.id FOR NO KEY UPDATE OF product SKIP LOCKED
)
UPDATE product SET popularity = differing.units FROM differing WHERE product.id = differing.id
"""
_SOLD_LATELY: Final = "SELECT DISTINCT product_id FROM product_sales WHERE date >= %(lately)s"
_EVER_POPULAR: Final = """
SELECT product_id FROM product_sales WHERE date > %(before)s
UNION SELECT id FROM product WHERE popularity > 0
"""

# Days are counted in their order: behind one that is too young, all are.
_DELETE_OLD: Final = """
WITH oldest AS (
    SELECT id, date FROM product_sales WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
), deleted AS (
    DELETE FROM product_sales USING oldest
    WHERE product_sales.id = oldest.id AND oldest.date < %(before)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(date < %(before)s) THEN max(id) END
FROM oldest
"""


def count_sales(lines: Iterable[SoldLine]) -> int:
    """Add an order's lines to today's sales; return the units counted. Needs a transaction.

    Not idempotent: the inbox calls it once per event. A sku that does not exist is not counted.
    """
    units: dict[str, int] = {}
    for line in lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    sold = {
        "skus": list(units),
        "units": list(units.values()),
        "today": timezone.now().date(),
    }
    ((counted,),) = fetch(_COUNT, sold, prepare=True)
    return int(counted)


def refresh_popularity(*, today: date) -> int:
    """Set the popularity of what sold today or yesterday; return of how many it changed. Idempotent.

    Args:
        today: by UTC; the units of this day and the 29 before it are a product's popularity.
    """
    return _refresh(_SOLD_LATELY, today)


def recount_popularity(*, today: date) -> int:
    """Do the same for all that is popular, as days fall out of the count whether or not one sells."""
    return _refresh(_EVER_POPULAR, today)


def _refresh(asked: str, today: date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _REFRESH.format(asked=asked),
            {
                "before": today - timedelta(days=POPULAR_DAYS),
                "lately": today - timedelta(days=1),
            },
        )
        return int(cursor.rowcount)


def delete_old(*, now: datetime) -> int:
    """Delete the sales of days more than a year ago; return how many rows. Idempotent."""
    return retention.delete_in_batches(_DELETE_OLD, before=now - _KEPT)
