"""What the overview shows: orders and money by day, what waits for whom, events.

Nothing is counted to its end that may be large: what is many is told as "1,000+", and what is
counted by day is what the days of the chart hold.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.order_service import conf
from apps.order_service.admin.links import list_url, order_url
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.models import Order, Payment
from chassis import circuit
from chassis.admin.dashboard import (
    MOST_COUNTED,
    Card,
    Chart,
    Dashboard,
    Line,
    Listing,
    bus_cards,
    capped_count,
    counted,
)
from chassis.admin.display import age
from chassis.ids import first_uuid7

_DAYS: Final = 30
_WEEK: Final = 7
_TOP: Final = 10
_AGES: Final = (
    (10, "below 10 s"),
    (60, "10 s to 1 min"),
    (300, "1 to 5 min"),
    (conf.RECOVERY_SECONDS, "5 to 10 min"),
)
"""Ages of pending orders, in seconds, and how they are called; recovery gives them up at the last."""
_OLDER: Final = "older"
_SLOW_SECONDS: Final = 60
"""A payment that waits longer than this for its outcome or its refund is worth a look."""


def dashboard() -> Dashboard:
    """Return the overview."""
    now = timezone.now()
    days = [now.date() - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    placed, revenue = _placed(days), _revenue(days)
    pending = _pending_seconds(now)
    cards = [
        Card(title="Orders today", value=f"{placed[-1]:,}", hint="placed since midnight (UTC)"),
        Card(
            title="Revenue today",
            value=f"{revenue[-1]:,.2f}",
            hint=f"{conf.currency()} paid since midnight (UTC), before refunds",
        ),
        _to_ship(),
        _unpaid(),
        _pending(pending),
        _open_payments(now),
        _refunds(now),
        *bus_cards(),
    ]
    labels = [f"{day:%d %b}" for day in days]
    charts = [
        Chart(title="Orders placed per day", labels=labels, series={"orders": placed}),
        Chart(
            title=f"Revenue per day, {conf.currency()}, before refunds",
            labels=labels,
            series={conf.currency(): [round(amount) for amount in revenue]},
        ),
        _by_status(days[-_WEEK]),
        _pending_ages(pending),
    ]
    return Dashboard(cards=cards, charts=charts, listings=[_longest_unshipped(now)])


def _placed(days: list[date]) -> list[int]:
    rows = Order.objects.filter(placed_at__gte=_midnight(days[0]))
    numbers = dict(rows.values_list(TruncDate("placed_at")).annotate(orders=Count("*")))
    return [numbers.get(day, 0) for day in days]


def _revenue(days: list[date]) -> list[Decimal]:
    rows = Order.objects.filter(paid_at__gte=_midnight(days[0]))
    sums: dict[Any, Any] = dict(rows.values_list(TruncDate("paid_at")).annotate(Sum("total")))
    return [sums.get(day) or Decimal(0) for day in days]


def _by_status(first: date) -> Chart:
    """Return where the orders made since a day stand."""
    rows = Order.objects.filter(pk__gte=first_uuid7(_midnight(first)))
    numbers = dict(rows.values_list("status").annotate(orders=Count("*")))
    return Chart(
        title=f"Orders of the last {_WEEK} days, by status",
        labels=[status.value for status in OrderStatus],
        series={"orders": [numbers.get(status.value, 0) for status in OrderStatus]},
        is_sideways=True,
    )


def _pending_seconds(now: datetime) -> list[float]:
    """Return the ages of the oldest pending orders, in seconds, oldest first."""
    made = Order.objects.filter(status=OrderStatus.PENDING).order_by("pk")
    times = made.values_list("created_at", flat=True)[:MOST_COUNTED]
    return [(now - at).total_seconds() for at in times]


def _pending(ages: list[float]) -> Card:
    oldest = max(ages, default=0)
    hint, level = "the catalog has answered all", "success"
    if ages:
        hint = f"the oldest waits for {age(oldest)}"
        level = "warning" if oldest >= conf.RECOVER_AFTER_SECONDS else ""
    if circuit.states().get("catalog") == "open":
        hint, level = f"{hint}; the catalog does not answer now", "danger"
    return Card(
        title="Pending orders",
        value=counted(len(ages)),
        hint=hint,
        level=level,
        link=list_url("order", status=OrderStatus.PENDING),
    )


def _pending_ages(ages: list[float]) -> Chart:
    def name(seconds: float) -> str:
        return next((label for below, label in _AGES if seconds < below), _OLDER)

    numbers = Counter(name(seconds) for seconds in ages)
    labels = [*(label for _, label in _AGES), _OLDER]
    return Chart(
        title="Pending orders, by age",
        labels=labels,
        series={"orders": [numbers[label] for label in labels]},
    )


def _to_ship() -> Card:
    number = capped_count(Order.objects.filter(status=OrderStatus.PAID))
    return Card(
        title="To be shipped",
        value=counted(number),
        hint="orders that are paid",
        link=list_url("order", status=OrderStatus.PAID),
    )


def _unpaid() -> Card:
    number = capped_count(Order.objects.filter(status=OrderStatus.PLACED))
    return Card(
        title="Awaiting payment",
        value=counted(number),
        hint="cancelled once their time to pay is over",
        link=list_url("order", status=OrderStatus.PLACED),
    )


def _open_payments(now: datetime) -> Card:
    waiting = Payment.objects.filter(status__in=states.OPEN_PAYMENT)
    oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
    return _waiting_card(
        "Payments without an outcome",
        number=capped_count(waiting),
        seconds=(now - oldest).total_seconds() if oldest else 0,
        nothing="providers have told of all",
        link=list_url("payment", status="open"),
    )


def _refunds(now: datetime) -> Card:
    under_way = Payment.objects.filter(status=PaymentStatus.REFUNDING)
    # It is owed since the order ended, or since the money came for one that could not take it.
    owed_by = ("settled_at", "order__cancelled_at", "order__refunded_at")
    times = under_way.values_list(*owed_by)[:MOST_COUNTED]
    began = [max(at for at in each if at is not None) for each in times]
    return _waiting_card(
        "Refunds under way",
        number=len(times),
        seconds=(now - min(began)).total_seconds() if began else 0,
        nothing="no money is owed",
        link=list_url("payment", status=PaymentStatus.REFUNDING),
    )


def _waiting_card(title: str, *, number: int, seconds: float, nothing: str, link: str) -> Card:
    if not number:
        return Card(title=title, value="0", hint=nothing, level="success", link=link)
    return Card(
        title=title,
        value=counted(number),
        hint=f"the oldest waits for {age(seconds)}",
        level="warning" if seconds > _SLOW_SECONDS else "",
        link=link,
    )


def _longest_unshipped(now: datetime) -> Listing:
    """Return the orders that are paid for and wait to be shipped, the oldest first."""
    rows = Order.objects.filter(status=OrderStatus.PAID).order_by("pk")
    return Listing(
        title="Longest without being shipped",
        lines=[
            Line(
                text=order.number,
                hint=f"{order.total:,.2f} {order.currency}",
                value=f"paid {age((now - order.paid_at).total_seconds())} ago",
                link=order_url(order.pk),
            )
            for order in rows[:_TOP]
            if order.paid_at
        ],
        empty="All that is paid is shipped.",
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.now().tzinfo)
