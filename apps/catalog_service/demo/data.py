"""The demo catalogue as it is written down in products.json."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from django.utils.text import slugify

_FILE: Final = Path(__file__).with_name("products.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What is drawn, by the name of a motif, and in which three colours (#rrggbb)."""

    motif: str
    colors: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoProduct:
    """A product; `price` is in whichever currency the shop has."""

    sku: str
    name: str
    description: str
    price: Decimal
    stock: int
    attributes: dict[str, str | int]
    picture: Picture

    @property
    def slug(self) -> str:
        """Return the product's slug where no other product has it."""
        return slugify(self.name)

    @property
    def file(self) -> str:
        """Return the name of the picture's file."""
        return f"{self.slug}.svg"


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCategory:
    """A category with its products."""

    slug: str
    name: str
    products: tuple[DemoProduct, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All of it."""

    categories: tuple[DemoCategory, ...]

    @property
    def products(self) -> tuple[DemoProduct, ...]:
        """Return the products of all categories."""
        return tuple(product for category in self.categories for product in category.products)


@cache
def catalogue() -> Catalogue:
    """Return the demo catalogue, checked against the classes above."""
    return msgspec.json.decode(_FILE.read_bytes(), type=Catalogue)
