"""The history of prices."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from apps.catalog_service.models import PriceChange
from chassis.pagination import Order

SHOWN: Final = ("price", "currency", "at", "actor")
FIELDS: Final = ("id", *SHOWN)
NEWEST_FIRST: Final = Order(("-id",))
LOOKED_BACK: Final = timedelta(days=30)


def price_changes(product_id: UUID) -> QuerySet[PriceChange]:
    """Return what the product cost from when on, made by whom. Ids are in the order of time."""
    return PriceChange.objects.filter(product_id=product_id)


def lowest_price(product_id: UUID, *, now: datetime | None = None) -> Decimal | None:
    """Return the lowest price that was asked for at any moment of the last 30 days; two queries.

    A price that began before them and reached into them counts. None where there is no history.
    """
    since = (now or timezone.now()) - LOOKED_BACK
    changes = price_changes(product_id)
    before = changes.filter(at__lte=since).aggregate(id=Max("id"))["id"]
    lowest: Decimal | None = changes.filter(id__gte=before or 0).aggregate(p=Min("price"))["p"]
    return lowest
