"""Products as catalog tells of them."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """A product that is for sale, as it is now.

    `available` is capped, as for the public; `enough` tells whether the quantity that was asked
    about could be reserved.
    """

    sku: str
    name: str
    slug: str
    image_url: str
    unit_price: Decimal
    currency: str
    available: int
    in_stock: bool
    enough: bool
