"""Reads: orders as callers see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.order_service.domain import lines as order_lines
from apps.order_service.domain import states
from apps.order_service.domain.totals import PricedLine
from apps.order_service.models import Order, OrderLine, Payment
from chassis import database
from chassis.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line; name and prices are None until the order is placed."""

    sku: str
    name: str | None
    quantity: int
    unit_price: Decimal | None
    line_total: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """An attempt to pay."""

    id: UUID
    method: str
    status: str
    amount: Decimal
    created_at: datetime
    refunded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as the API shows it."""

    id: UUID
    number: str
    user_id: UUID
    status: str
    lines: tuple[LineView, ...]
    subtotal: Decimal | None
    shipping: Decimal | None
    tax: Decimal | None
    total: Decimal | None
    currency: str
    shipping_address: dict[str, Any]
    payments: tuple[PaymentView, ...]
    created_at: datetime
    expires_at: datetime | None
    placed_at: datetime | None
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    rejected_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None


_COLUMNS = tuple(
    name for name in OrderView.__dataclass_fields__ if name not in {"lines", "payments"}
)


# Asked for at each order: by the ORM it takes three times as long. The statuses are part of the
# statement, as they are of the index (orders_open_of_user).
_COUNT_OPEN: Final = f"""
SELECT count(*) FROM orders
WHERE user_id = %(user_id)s AND status IN ({", ".join(f"'{status}'" for status in states.UNPAID)})
"""  # noqa: S608 -- constants


def visible_orders(*, user_id: UUID, is_staff: bool) -> QuerySet[Order]:
    """Return the orders that a user may see: staff all, others their own."""
    orders = _whole_orders()
    return orders if is_staff else orders.filter(user_id=user_id)


def _whole_orders() -> QuerySet[Order]:
    return Order.objects.prefetch_related(
        Prefetch("lines", OrderLine.objects.order_by("position")),
        Prefetch("payments", Payment.objects.order_by("id")),
    )


def find_order(order_id: UUID, *, user_id: UUID, is_staff: bool) -> Order:
    """Return an order that the user may see.

    Raises:
        NotFound: there is none, or it is another's; the two look the same.
    """
    order = visible_orders(user_id=user_id, is_staff=is_staff).filter(id=order_id).first()
    if order is None:
        raise NotFound("There is no such order")
    return order


def read_order(order_id: UUID) -> OrderView:
    """Return an order that is known to exist as the API shows it."""
    return view_order(_whole_orders().get(id=order_id))


def view_order(order: Order) -> OrderView:
    """Return the order as the API shows it. Queries its lines and payments unless prefetched."""
    return _view(order, lines=order.lines.all(), payments=order.payments.all())


def view_new_order(order: Order, lines: Iterable[PricedLine] = ()) -> OrderView:
    """Return an order that nobody can have paid yet as `view_order` does, without a query.

    Args:
        order: as it is stored.
        lines: in their order; none before it is placed.
    """
    return _view(order, lines=lines, payments=())


def _view(
    order: Order, *, lines: Iterable[OrderLine | PricedLine], payments: Iterable[Payment]
) -> OrderView:
    columns = {name: getattr(order, name) for name in _COLUMNS}
    # PostgreSQL gives the keys in an order of its own: an answer looks the same before and after.
    columns["shipping_address"] = dict(sorted(order.shipping_address.items()))
    return OrderView(
        **columns,
        lines=tuple(map(_view_line, lines)) or _requested_lines(order),
        payments=tuple(map(_view_payment, payments)),
    )


def _view_line(line: OrderLine | PricedLine) -> LineView:
    return LineView(
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        line_total=line.line_total,
    )


def _requested_lines(order: Order) -> tuple[LineView, ...]:
    return tuple(
        LineView(sku=line.sku, name=None, quantity=line.quantity, unit_price=None, line_total=None)
        for line in order_lines.from_stored(order.requested_lines)
    )


def _view_payment(payment: Payment) -> PaymentView:
    return PaymentView(
        id=payment.id,
        method=payment.method,
        status=payment.status,
        amount=payment.amount,
        created_at=payment.created_at,
        refunded_at=payment.refunded_at,
    )


def count_open_orders(user_id: UUID) -> int:
    """Return how many unpaid orders a user holds open."""
    ((count,),) = database.fetch(_COUNT_OPEN, {"user_id": user_id}, prepare=True)
    return int(count)
