"""Reads: orders as a CSV for whoever keeps the books."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from apps.order_service.domain.lines import from_stored
from apps.order_service.domain.states import PaymentStatus
from apps.order_service.models import Customer, Order, Payment
from chassis.spreadsheets import BYTE_ORDER_MARK, without_formulas

BATCH: Final = 500

_TIMES: Final = (
    *("created_at", "placed_at", "paid_at", "shipped_at", "delivered_at"),
    *("rejected_at", "cancelled_at", "refunded_at"),
)
_AMOUNTS: Final = ("subtotal", "shipping", "tax", "total")
_READ: Final = (
    *("id", "number", "status", "user_id", "requested_lines", "shipping_address", "currency"),
    *(*_AMOUNTS, *_TIMES),
)
COLUMNS: Final = (
    *("number", "status", "pieces", *_AMOUNTS, "currency", "country"),
    *("payment_method", "payment_reference", *_TIMES, "lines", "email", "user_id", "id"),
)
_TAKEN: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDING, PaymentStatus.REFUNDED)
"""Payments that took money."""


class _Line:
    """A file that holds no more than what was written last; csv writes to nothing less."""

    def write(self, text: str) -> str:
        return text


def csv_rows(orders: QuerySet[Order], *, for_spreadsheets: bool = True) -> Iterator[str]:
    """Yield the text of `csv_batches`, piece by piece."""
    return (text for _, text in csv_batches(orders, for_spreadsheets=for_spreadsheets))


def csv_batches(orders: QuerySet[Order], *, for_spreadsheets: bool) -> Iterator[tuple[int, str]]:
    """Yield a CSV (RFC 4180) with the orders, oldest first, in pieces: how many are done, and text.

    One line per order, so that the columns add up: each amount is in the file once. Amounts are
    empty where an order never had a price. `lines` tells the goods, such as `2 x LAMP; 1 x RUG`. The
    payment is the one that took the money, the last where one was given back. Times are UTC.

    The first piece holds the names of the columns, and is given after the first query. Each batch is
    three queries of its own: no transaction is held, memory does not grow, and what changes
    meanwhile may be in it as it was or as it is. Needs no transaction.

    Args:
        orders: which ones; their order and what they prefetch are passed over.
        for_spreadsheets: begin with a byte order mark, and put an apostrophe before what a
            spreadsheet would take for a formula.
    """
    write = csv.writer(_Line()).writerow
    rows = orders.prefetch_related(None).order_by("id").values(*_READ)
    batch = _read_batch(rows)
    done = 0
    yield done, f"{BYTE_ORDER_MARK if for_spreadsheets else ''}{write(COLUMNS)}"
    while batch:
        lines = _lines(batch)
        cells = map(without_formulas, lines) if for_spreadsheets else lines
        done += len(batch)
        yield done, "".join(str(write(line)) for line in cells)
        batch = _read_batch(rows.filter(id__gt=batch[-1]["id"]))


def _read_batch(rows: QuerySet[Order, dict[str, Any]]) -> list[dict[str, Any]]:
    return list(rows[:BATCH])


def _lines(batch: Sequence[Mapping[str, Any]]) -> Iterator[list[Any]]:
    emails = _emails({order["user_id"] for order in batch})
    payments = _payments([order["id"] for order in batch])
    for order in batch:
        goods = from_stored(order["requested_lines"])
        method, reference = payments.get(order["id"], ("", ""))
        values = {
            **order,
            **{name: _utc(order[name]) for name in _TIMES},
            "pieces": sum(line.quantity for line in goods),
            "country": order["shipping_address"]["country"],
            "payment_method": method,
            "payment_reference": reference,
            "lines": "; ".join(f"{line.quantity} x {line.sku}" for line in goods),
            "email": emails.get(order["user_id"], ""),
        }
        yield [values[name] for name in COLUMNS]


def _emails(user_ids: set[UUID]) -> Mapping[UUID, str]:
    return dict(Customer.objects.filter(user_id__in=user_ids).values_list("user_id", "email"))


def _payments(order_ids: Sequence[UUID]) -> Mapping[UUID, tuple[str, str]]:
    taken = Payment.objects.filter(order_id__in=order_ids, status__in=_TAKEN)
    rows = taken.order_by("id").values_list("order_id", "method", "provider_reference")
    return {order_id: (method, reference) for order_id, method, reference in rows}


def _utc(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
