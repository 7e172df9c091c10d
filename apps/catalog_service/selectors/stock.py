"""Stock."""

from typing import Any, Final

from apps.catalog_service.models import Stock, StockMovement
from apps.catalog_service.selectors.products import find_product_id
from chassis import pagination
from chassis.errors import NotFound

_MOVEMENT: Final = ("kind", "on_hand", "reserved", "order_id", "actor", "reason", "at")
_NEWEST_FIRST: Final = pagination.Order(("-id",))


def find_stock(slug: str) -> dict[str, int]:
    """Return {on_hand, reserved, available} of a product.

    Raises:
        NotFound: there is no such product.
    """
    row = Stock.objects.filter(product__slug=slug).values("on_hand", "reserved").first()
    if row is None:
        raise NotFound("There is no such product")
    on_hand, reserved = row["on_hand"], row["reserved"]
    return {"on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved}


def movements(slug: str, *, limit: int, cursor: str | None) -> pagination.Page:
    """Return a page of the ledger of a product, the newest movement first; two queries.

    Raises:
        NotFound: there is no such product.
        ValidationError: the cursor is not one of this list.
    """
    product_id = find_product_id(slug)
    return pagination.page(
        StockMovement.objects.filter(product_id=product_id).values("id", *_MOVEMENT),
        order=_NEWEST_FIRST,
        limit=limit,
        cursor=cursor,
        scope=str(product_id),
    )


def movement_view(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `movements` as the API shows it."""
    return {name: row[name] for name in _MOVEMENT}
