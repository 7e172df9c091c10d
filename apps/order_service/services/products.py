"""What is known of products without asking catalog; see KnownProduct."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from apps.order_service.domain.products import ProductInfo

_SEEN_AGAIN_AFTER: Final = timedelta(minutes=1)
"""What has not changed is written anew this seldom."""

# What an event does not tell comes with the number 0, which is never the newer one.
_LEARN: Final = """
INSERT INTO known_product AS known
    (sku, image_url, name, slug, described_sequence, status, status_sequence, price, currency,
     priced_sequence, changed_at)
VALUES
    (%(sku)s, '', %(name)s, %(slug)s, %(described)s, %(status)s, %(stated)s, %(price)s,
     %(currency)s, %(priced)s, %(at)s)
ON CONFLICT (sku) DO UPDATE SET
    name = CASE WHEN excluded.described_sequence > known.described_sequence
           THEN excluded.name ELSE known.name END,
    slug = CASE WHEN excluded.described_sequence > known.described_sequence
           THEN excluded.slug ELSE known.slug END,
    status = CASE WHEN excluded.status_sequence > known.status_sequence
             THEN excluded.status ELSE known.status END,
    price = CASE WHEN excluded.priced_sequence > known.priced_sequence
            THEN excluded.price ELSE known.price END,
    currency = CASE WHEN excluded.priced_sequence > known.priced_sequence
               THEN excluded.currency ELSE known.currency END,
    described_sequence = greatest(known.described_sequence, excluded.described_sequence),
    status_sequence = greatest(known.status_sequence, excluded.status_sequence),
    priced_sequence = greatest(known.priced_sequence, excluded.priced_sequence),
    changed_at = greatest(known.changed_at, excluded.changed_at)
WHERE excluded.described_sequence > known.described_sequence
   OR excluded.status_sequence > known.status_sequence
   OR excluded.priced_sequence > known.priced_sequence
"""

# Rows that stay as they are are not touched: they are read again and again. Several are locked in
# the order of their keys.
_REMEMBER: Final = """
INSERT INTO known_product AS known
    (sku, name, slug, image_url, status, price, currency, available, seen_at, changed_at,
     described_sequence, status_sequence, priced_sequence)
SELECT told.sku, told.name, told.slug, told.image_url, 'active', told.price, told.currency,
       told.available, %(now)s, %(now)s, 0, 0, 0
FROM unnest(%(skus)s::text[], %(names)s::text[], %(slugs)s::text[], %(image_urls)s::text[],
            %(prices)s::numeric[], %(currencies)s::text[], %(available)s::int[])
     AS told (sku, name, slug, image_url, price, currency, available)
LEFT JOIN known_product AS before USING (sku)
WHERE before.seen_at IS NULL
   OR before.seen_at <= %(seen_before)s
   OR (before.available, before.image_url) IS DISTINCT FROM (told.available, told.image_url)
   OR (before.described_sequence = 0
       AND (before.name, before.slug) IS DISTINCT FROM (told.name, told.slug))
   OR (before.status_sequence = 0 AND before.status IS DISTINCT FROM 'active')
   OR (before.priced_sequence = 0
       AND (before.price, before.currency) IS DISTINCT FROM (told.price, told.currency))
ORDER BY told.sku
ON CONFLICT (sku) DO UPDATE SET
    name = CASE WHEN known.described_sequence = 0 THEN excluded.name ELSE known.name END,
    slug = CASE WHEN known.described_sequence = 0 THEN excluded.slug ELSE known.slug END,
    status = CASE WHEN known.status_sequence = 0 THEN excluded.status ELSE known.status END,
    price = CASE WHEN known.priced_sequence = 0 THEN excluded.price ELSE known.price END,
    currency = CASE WHEN known.priced_sequence = 0 THEN excluded.currency ELSE known.currency END,
    image_url = excluded.image_url,
    available = excluded.available,
    seen_at = excluded.seen_at
WHERE known.seen_at IS NULL OR known.seen_at <= excluded.seen_at
"""


def learn_product(
    *,
    sku: str,
    sequence: int,
    at: datetime,
    name: str | None = None,
    slug: str | None = None,
    status: str | None = None,
    price: Decimal | None = None,
    currency: str | None = None,
) -> bool:
    """Keep what an event tells of a product; return whether any of it was news.

    Idempotent; events may come in any order. Needs no transaction.

    Args:
        sku: of the product.
        sequence: the event's number among those of the product.
        at: the event's time.
        name: comes with the slug, or neither is told.
        slug: comes with the name.
        status: in catalog's words.
        price: comes with the currency, or neither is told.
        currency: comes with the price.
    """
    values = {
        "sku": sku,
        "name": name,
        "slug": slug,
        "described": 0 if name is None else sequence,
        "status": status,
        "stated": 0 if status is None else sequence,
        "price": price,
        "currency": currency,
        "priced": 0 if price is None else sequence,
        "at": at,
    }
    return bool(_execute(_LEARN, values))


def remember_products(products: Sequence[ProductInfo], *, now: datetime) -> int:
    """Keep what catalog answered; return how many rows were written. Needs no transaction.

    It fills in what no event has told. What stays the same is written once a minute at most.
    """
    if not products:
        return 0
    values = {
        "skus": [product.sku for product in products],
        "names": [product.name for product in products],
        "slugs": [product.slug for product in products],
        "image_urls": [product.image_url for product in products],
        "prices": [product.unit_price for product in products],
        "currencies": [product.currency for product in products],
        "available": [product.available for product in products],
        "now": now,
        "seen_before": now - _SEEN_AGAIN_AFTER,
    }
    return _execute(_REMEMBER, values)


def _execute(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
