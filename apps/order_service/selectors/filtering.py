"""Reads: which orders a list holds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet
from django.db.models.functions import Collate, Lower

from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Customer, Order
from chassis.ids import first_uuid7

_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""No id is older: the time in it begins in 1970."""
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_LONGEST_PENDING: Final = timedelta(days=1)
"""Far more than an order stays pending (conf.RECOVERY_SECONDS), were recovery late by hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilters:
    """Which orders: what is empty or None excludes none.

    `sku` and `number` are whole, `email` is the beginning of the customer's address in any case. After and before a time is without the time itself.
    """

    statuses: Sequence[OrderStatus] = ()
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    sku: str = ""
    number: str = ""
    email: str = ""
    user_id: UUID | None = None

    @property
    def scope(self) -> str:
        """Return what a cursor is tied to."""
        return msgspec.json.encode(asdict(self)).decode() if self != OrderFilters() else ""


def filter_orders(orders: QuerySet[Order], filters: OrderFilters) -> QuerySet[Order]:
    """Return those of the orders that pass every filter, in the order they have.

    Each filter narrows by an index. Times do so by the ids, which are in the order of creation.
    """
    orders = _created_between(orders, filters.created_after, filters.created_before)
    orders = _placed_between(orders, filters.placed_after, filters.placed_before)
    if filters.statuses:
        orders = orders.filter(status__in=filters.statuses)
    if filters.sku:
        orders = orders.filter(asks_for(filters.sku))
    if filters.number:
        orders = orders.filter(number=filters.number)
    if filters.user_id:
        orders = orders.filter(user_id=filters.user_id)
    if filters.email:
        orders = orders.filter(user_id__in=customers_with(filters.email).values("user_id"))
    return orders


def asks_for(sku: str) -> Q:
    """Return the condition of orders that ask for a product, placed or not."""
    return Q(requested_lines__contains=[{"sku": sku}])


def customers_with(email: str) -> QuerySet[Customer]:
    """Return the customers whose addresses begin so, in any case, in the order of the index."""
    lowered = Customer.objects.alias(lowered=Collate(Lower("email"), "C"))
    return lowered.filter(lowered__startswith=email.lower()).order_by("lowered")


def _created_between(
    orders: QuerySet[Order], after: datetime | None, before: datetime | None
) -> QuerySet[Order]:
    if after is not None:
        orders = orders.filter(created_at__gt=after, id__gte=_id_at(after, -_CLOCKS_DIFFER))
    if before is not None:
        orders = orders.filter(created_at__lt=before, id__lt=_id_at(before, _CLOCKS_DIFFER))
    return orders


def _placed_between(
    orders: QuerySet[Order], after: datetime | None, before: datetime | None
) -> QuerySet[Order]:
    if after is not None:
        orders = orders.filter(placed_at__gt=after, id__gte=_id_at(after, -_LONGEST_PENDING))
    if before is not None:
        orders = orders.filter(placed_at__lt=before, id__lt=_id_at(before, _CLOCKS_DIFFER))
    return orders


def _id_at(time: datetime, margin: timedelta) -> UUID:
    """Return the lowest id of the time moved by the margin, as far as ids have times."""
    try:
        return first_uuid7(max(time + margin, _FIRST))
    except OverflowError:  # within the margin of the first or the last time there is
        return first_uuid7(max(time, _FIRST))
