"""Products one by one, and as the API shows them."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from apps.catalog_service import conf
from apps.catalog_service.models import Product
from chassis.database import fetch
from chassis.errors import NotFound

COLUMNS: Final[Mapping[str, str]] = {
    "id": "product.id",
    "sku": "product.sku",
    "name": "product.name",
    "slug": "product.slug",
    "description": "product.description",
    "category": "category.slug",
    "price": "product.price",
    "currency": "product.currency",
    "image_url": "product.image_url",
    "attributes": "product.attributes",
    "status": "product.status",
    "in_stock": "stock.on_hand > stock.reserved",
    "available": "least(stock.on_hand - stock.reserved, %(shown)s)",
    "created_at": "product.created_at",
    "updated_at": "product.updated_at",
}
"""What a product shows, and where it comes from. Of `JOINED`, with `shown_to` among the parameters."""

STAFF_COLUMNS: Final[Mapping[str, str]] = {
    "on_hand": "stock.on_hand",
    "reserved": "stock.reserved",
}
"""What is added for staff, who see it as `stock`."""

JOINED: Final = """
JOIN category ON category.id = product.category_id
JOIN stock ON stock.product_id = product.id
"""
CATALOG_VERSION: Final = "SELECT coalesce(sum(version), 0)::bigint FROM catalog_version"
"""The number that is another one after each change of what the public sees.

What is read afterwards is of this version or a later one (ADR 0021).
"""
VISIBLE: Final = "product.status = 'active'"
"""The products that everyone sees; staff see all."""

_ALL: Final = 2_147_483_647
_KEYS: Final = {"slug": "product.slug", "id": "product.id"}
# RFC 9110, section 8.8.3. What If-Match names is compared strongly: a weak one never is the same.
_ETAG: Final = re.compile(r'(W/)?"([!\x23-\x7e\x80-\xff]*)"', re.ASCII)


def select(columns: Mapping[str, str]) -> str:
    """Return the columns as they stand after SELECT, each under its own name."""
    return ", ".join(f"{column} AS {name}" for name, column in columns.items())


def columns_for(*, is_staff: bool) -> Mapping[str, str]:
    """Return all columns that the caller may see."""
    return {**COLUMNS, **STAFF_COLUMNS} if is_staff else COLUMNS


def shown_to(*, is_staff: bool) -> dict[str, Any]:
    """Return the parameters of the columns: how many pieces the caller may know of."""
    return {"shown": _ALL if is_staff else conf.shown_available()}


def product_view(row: Mapping[str, Any], *, is_staff: bool) -> dict[str, Any]:
    """Return a row of these columns, or of some, as the API shows it to staff or to everyone."""
    view = dict(row)
    if "attributes" in view:
        view["attributes"] = msgspec.Raw(view["attributes"].encode())  # as the database wrote it
    if is_staff and "on_hand" in view:
        on_hand, reserved = view.pop("on_hand"), view.pop("reserved")
        view["stock"] = {
            "on_hand": on_hand,
            "reserved": reserved,
            "available": on_hand - reserved,
        }
    return view


def find_product_id(slug: str) -> UUID:
    """Return the id of a product, whatever its status.

    Raises:
        NotFound: there is none.
    """
    product_id = Product.objects.filter(slug=slug).values_list("id", flat=True).first()
    if product_id is None:
        raise NotFound("There is no such product")
    return product_id


def find_with_version(*, is_staff: bool, **key: Any) -> tuple[int, dict[str, Any]]:
    """Return the version of the product that has the key, a slug or an id, and its `product_view`; one query.

    Raises:
        NotFound: there is none that the caller may see.
    """
    ((name, value),) = key.items()
    columns = {**columns_for(is_staff=is_staff), "version": "product.version"}
    visible = "" if is_staff else f"AND {VISIBLE}"
    statement = (
        f"SELECT {select(columns)} FROM product {JOINED} WHERE {_KEYS[name]} = %(key)s {visible}"  # noqa: S608 -- of constants
    )
    rows = fetch(statement, {"key": value, **shown_to(is_staff=is_staff)}, prepare=True)
    if not rows:
        raise NotFound("There is no such product")
    row = dict(zip(columns, rows[0], strict=True))
    version = row.pop("version")
    return version, product_view(row, is_staff=is_staff)


def etag_of(version: int, digest: str) -> str:
    """Return the ETag of a product of this version, whose body has this digest."""
    return f'"{version}.{digest}"'


def etag_version(header: str) -> set[int] | None:
    """Return the versions that an If-Match header names; None for `*`, which is any.

    What is no ETag of a product's names none, so that nothing is changed by mistake.
    """
    if header.strip() == "*":
        return None
    return {
        int(version)
        for weak, tag in _ETAG.findall(header)
        if not weak and (version := tag.partition(".")[0]).isdecimal() and len(version) < 10  # noqa: PLR2004 -- a column's range
    }
