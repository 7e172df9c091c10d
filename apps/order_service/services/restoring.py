"""After the database of another service was restored to an earlier time: docs/backup.md."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.order_service import clients
from apps.order_service.clients.catalog import ReservationClosed, SkusUnknown, StockShort
from apps.order_service.domain.lines import from_stored
from apps.order_service.models import Customer, KnownProduct, Order
from chassis.rest import Broken

RESERVED: Final = "reserved"
CLOSED: Final = "closed"
SHORT: Final = "short"
UNKNOWN: Final = "unknown"
REFUSED: Final = "refused"

CONSUMERS: Final[Mapping[str, str]] = {
    "auth": "order.remember_customer",
    "catalog": "order.remember_product",
}
"""By publisher, the handler whose effect ignores what is older than what is known."""

_NUMBERS: Final[Mapping[str, tuple[Callable[[], QuerySet[Any]], tuple[str, ...]]]] = {
    "auth": (Customer.objects.all, ("sequence",)),
    "catalog": (
        KnownProduct.objects.all,
        ("described_sequence", "status_sequence", "priced_sequence"),
    ),
}
"""By publisher, what is known from it, and the fields that keep the numbers of its events."""
_BATCH: Final = 1000
"""Rows locked at once: carts and the worker write them meanwhile, and wait for two seconds at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What catalog answered when an order's stock was asked for once more."""

    order_id: UUID
    number: str
    outcome: str
    told: str = ""


def reserve_again(*, since: datetime) -> Iterator[Asked]:
    """Ask catalog for the stock of every order placed since a time, and yield each answer.

    For a catalog that has forgotten reservations. One that it still knows stays as it is, closed or
    not; what became of the order since is in events, which its sweep brings. Idempotent. Must not
    run inside a transaction.

    Raises:
        Unavailable: catalog does not answer; those not yet asked for come with the next call.
    """
    placed = Order.objects.filter(placed_at__gte=since).order_by("placed_at", "id")
    for order_id in list(placed.values_list("id", flat=True)):
        yield _reserve(Order.objects.only("number", "requested_lines").get(id=order_id))


def forget_numbers(source: str) -> int:
    """Let whatever a publisher says next be newer than what is known of it; return of how many.

    For a publisher that numbers its events anew. Idempotent. Opens its own transactions, one for each
    1,000 rows, which it locks by their keys.

    Args:
        source: one of CONSUMERS.
    """
    known, names = _NUMBERS[source]
    none = dict.fromkeys(names, 0)
    rows = known().order_by("pk")
    numbered = left = rows.exclude(**none)
    forgotten = 0
    while True:
        with transaction.atomic(durable=True):
            locked = left.select_for_update(no_key=True)
            keys = list(locked.values_list("pk", flat=True)[:_BATCH])
            if not keys:
                return forgotten
            forgotten += rows.filter(pk__in=keys).update(**none)
        left = numbered.filter(pk__gt=keys[-1])


def _reserve(order: Order) -> Asked:
    try:
        clients.catalog().reserve(order.id, from_stored(order.requested_lines))
    except StockShort as error:
        short = (f"{one.requested} of {one.sku}, there are {one.available}" for one in error.lines)
        return Asked(order.id, order.number, SHORT, "; ".join(short))
    except SkusUnknown as error:
        return Asked(order.id, order.number, UNKNOWN, ", ".join(error.skus))
    except ReservationClosed:
        return Asked(order.id, order.number, CLOSED)
    except Broken as error:  # of this order: the others need not wait for it
        return Asked(order.id, order.number, REFUSED, str(error))
    return Asked(order.id, order.number, RESERVED)
