"""A typed view of the catalog service's settings, and what it keeps constant."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

SHOWN_AVAILABLE: Final = 10
"""The public sees how many are available up to this number only."""

DEEPEST_ATTRIBUTES: Final = 5
LONGEST_ATTRIBUTES: Final = 20_000
"""Levels, and bytes of JSON, that a product's attributes may have."""

MOST_LINES: Final = 100
MOST_QUANTITY: Final = 9999


def currency() -> str:
    """Return the shop's one currency, an ISO 4217 code."""
    return str(settings.SHOP_CURRENCY)


def reservation_time() -> timedelta:
    """Return how long a reservation promises its stock."""
    return timedelta(seconds=settings.RESERVATION_SECONDS)


def media_folder() -> Path:
    """Return the folder of the pictures."""
    return Path(settings.MEDIA_ROOT)
