"""Reservations: stock promised to an order, all lines or none, once per order."""

from apps.catalog_service.services.reservations.closing import (
    commit,
    release,
    release_reservation,
    take_back,
)
from apps.catalog_service.services.reservations.reserving import Reserved, WantedLine, reserve

__all__ = [
    "Reserved",
    "WantedLine",
    "commit",
    "release",
    "release_reservation",
    "reserve",
    "take_back",
]
