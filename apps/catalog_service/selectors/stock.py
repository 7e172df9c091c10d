"""Stock."""

from apps.catalog_service.models import Stock
from chassis.errors import NotFound


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
