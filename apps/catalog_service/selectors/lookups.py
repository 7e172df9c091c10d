"""Products by sku, for the carts of the order service."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from apps.catalog_service.selectors import products
from chassis.database import fetch

_SHOWN: Final[Mapping[str, str]] = {
    "sku": "product.sku",
    "name": products.COLUMNS["name"],
    "slug": products.COLUMNS["slug"],
    "image_url": products.COLUMNS["image_url"],
    "unit_price": products.COLUMNS["price"],
    "currency": products.COLUMNS["currency"],
    "available": products.COLUMNS["available"],
    "in_stock": products.COLUMNS["in_stock"],
    "enough": "stock.on_hand - stock.reserved >= wanted.quantity",
}
_LOOKUP: Final = f"""
SELECT {products.select(_SHOWN)}
FROM unnest(%(skus)s::text[], %(quantities)s::int[]) WITH ORDINALITY
    AS wanted (sku, quantity, position)
JOIN product USING (sku)
JOIN stock ON stock.product_id = product.id
WHERE {products.VISIBLE}
ORDER BY position
"""  # noqa: S608 -- of constants


def look_up(lines: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return what the public sees of the products that are for sale, in the order of the lines; one query.

    Args:
        lines: skus with the quantities that are wanted; those of one sku are added up.
    """
    wanted: Counter[str] = Counter()
    for sku, quantity in lines:
        wanted[sku] += quantity
    parameters = {"skus": list(wanted), "quantities": list(wanted.values())}
    shown = products.shown_to(is_staff=False)
    rows = fetch(_LOOKUP, {**parameters, **shown}, prepare=True)
    return [dict(zip(_SHOWN, row, strict=True)) for row in rows]
