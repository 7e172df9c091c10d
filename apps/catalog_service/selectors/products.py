"""Products, as lists and one by one."""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import connection
from django.db.models import DecimalField, F, Q, QuerySet
from django.db.models.functions import Cast, Round

from apps.catalog_service import conf
from apps.catalog_service.models import Product, ProductStatus
from chassis.errors import NotFound
from chassis.pagination import Order

FIELDS: Final = (
    "id",
    "sku",
    "name",
    "slug",
    "description",
    "category__slug",
    "price",
    "currency",
    "image_url",
    "attributes",
    "status",
    "created_at",
    "updated_at",
    "stock__on_hand",
    "stock__reserved",
)
SORTS: Final = {
    "-created_at": Order(("-created_at", "-id")),
    "name": Order(("name", "id")),
    "price": Order(("price", "id")),
    "-price": Order(("-price", "-id")),
    "relevance": Order(("-rank", "-id")),
}

_BELOW: Final = """
WITH RECURSIVE below AS (
    SELECT id FROM category WHERE slug = %s
    UNION SELECT category.id FROM category JOIN below ON category.parent_id = below.id
)
SELECT id FROM below
"""


def visible_products(*, is_staff: bool) -> QuerySet[Product]:
    """Return the products that a caller may see: staff all, others the active ones."""
    products = Product.objects.all()
    return products if is_staff else products.filter(status=ProductStatus.ACTIVE)


def filter_products(
    products: QuerySet[Product],
    *,
    q: str | None = None,
    category: str | None = None,
    min_price: Decimal | None = None,
    max_price: Decimal | None = None,
    in_stock: bool | None = None,
) -> QuerySet[Product]:
    """Narrow the products; with `q` each has a `rank` to sort by.

    Args:
        products: of which to keep some.
        q: words that the name or the description has, or a name has something like.
        category: slug; products of its sub-categories count too. One more query.
        min_price: in the shop's currency, itself included.
        max_price: the same.
        in_stock: whether any piece is unreserved.
    """
    if q:
        products = _search(products, q)
    if category:
        products = products.filter(category_id__in=_categories_below(category))
    if min_price is not None:
        products = products.filter(price__gte=min_price)
    if max_price is not None:
        products = products.filter(price__lte=max_price)
    if in_stock is not None:
        available = Q(stock__on_hand__gt=F("stock__reserved"))
        products = products.filter(available if in_stock else ~available)
    return products


def _search(products: QuerySet[Product], q: str) -> QuerySet[Product]:
    """Match whole words by full text, and misspelt names by trigrams.

    The rank is rounded, so that a cursor holds it exactly.
    """
    query = SearchQuery(q, config="english", search_type="websearch")
    rank = SearchRank(F("search"), query) + TrigramWordSimilarity(q, "name")
    exact = DecimalField(max_digits=8, decimal_places=6)
    return products.filter(Q(search=query) | Q(name__trigram_word_similar=q)).annotate(
        rank=Round(Cast(rank, exact), precision=6, output_field=exact)
    )


def _categories_below(slug: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, [slug])
        return [row[0] for row in cursor.fetchall()]


def product_view(row: dict[str, Any], *, is_staff: bool) -> dict[str, Any]:
    """Return a product of `.values(*FIELDS)` as the API shows it to staff or to everyone."""
    on_hand, reserved = row["stock__on_hand"], row["stock__reserved"]
    available = on_hand - reserved
    view = {
        "id": row["id"],
        "sku": row["sku"],
        "name": row["name"],
        "slug": row["slug"],
        "description": row["description"],
        "category": row["category__slug"],
        "price": row["price"],
        "currency": row["currency"],
        "image_url": row["image_url"],
        "attributes": row["attributes"],
        "status": row["status"],
        "in_stock": available > 0,
        "available": available if is_staff else min(available, conf.SHOWN_AVAILABLE),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if is_staff:
        view["stock"] = {"on_hand": on_hand, "reserved": reserved, "available": available}
    return view


def find_product(*, is_staff: bool, **key: Any) -> dict[str, Any]:
    """Return the product that has the key, a slug or an id, as `product_view` does; one query.

    Raises:
        NotFound: there is none that the caller may see.
    """
    row = visible_products(is_staff=is_staff).filter(**key).values(*FIELDS).first()
    if row is None:
        raise NotFound("There is no such product")
    return product_view(dict(row), is_staff=is_staff)
