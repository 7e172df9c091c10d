"""A typed view of the catalog service's settings, and what it keeps constant."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

DEEPEST_ATTRIBUTES: Final = 5
LONGEST_ATTRIBUTES: Final = 20_000
WIDEST_NUMBER: Final = 30
"""Levels, and bytes of JSON, that a product's attributes may have, and digits that a number in them takes."""

MOST_CATEGORY_LEVELS: Final = 10

RESERVED_SLUGS: Final = frozenset({"suggest"})
"""Slugs that no product may have: the list's own paths."""

LONGEST_PICTURE: Final = 8 * 1024 * 1024
"""Bytes of a picture as it is sent; the gateway lets as many through (gateway/dynamic/middlewares.yaml)."""

MOST_LINES: Final = 100
MOST_QUANTITY: Final = 9999


def currency() -> str:
    """Return the shop's one currency, an ISO 4217 code."""
    return str(settings.SHOP_CURRENCY)


def shown_available() -> int:
    """Return up to which number the public sees how many are available."""
    return int(settings.SHOWN_AVAILABLE)


def reservation_time() -> timedelta:
    """Return how long a reservation promises its stock."""
    return timedelta(seconds=settings.RESERVATION_SECONDS)


def low_stock() -> int:
    """Return the number of available pieces at which staff are told."""
    return int(settings.LOW_STOCK)


def media_folder() -> Path:
    """Return the folder of the pictures."""
    return Path(settings.MEDIA_ROOT)
