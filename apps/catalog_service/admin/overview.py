"""What the overview shows: products, stock, reservations, sales, transfers, events.

Nothing is counted to its end that may be large: what is many is told as "1,000+".
"""

from datetime import date, timedelta
from typing import Final

from django.db.models import F, Min, Sum
from django.utils import timezone

from apps.catalog_service import conf
from apps.catalog_service.admin.links import list_url, product_url
from apps.catalog_service.models import (
    Alert,
    Product,
    ProductSales,
    ProductStatus,
    Reservation,
    ReservationStatus,
    Stock,
    Transfer,
    TransferStatus,
)
from apps.catalog_service.services.alerts import OLD_RESERVATION
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

_DAYS: Final = 30
_TOP: Final = 10
_LONGEST_NAME: Final = 32
_BEST_SELLERS: Final = 1_000
"""Products, by what they sold of late, among which those running low are looked for."""


def dashboard() -> Dashboard:
    """Return the overview."""
    days = [timezone.now().date() - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    units = _units_sold(days)
    cards = [
        _products(),
        *_stock_cards(),
        _alerts(),
        _reservations(),
        Card(title="Units sold today", value=f"{units[-1]:,}", hint="by orders placed (UTC)"),
        _transfers(),
        *bus_cards(),
    ]
    per_day = Chart(
        title="Units sold per day",
        labels=[f"{day:%d %b}" for day in days],
        series={"units": units},
    )
    return Dashboard(cards=cards, charts=[per_day, _top_products()], listings=[_running_low()])


def _products() -> Card:
    active = capped_count(Product.objects.filter(status=ProductStatus.ACTIVE))
    return Card(
        title="Active products",
        value=counted(active),
        hint="everybody sees them",
        link=list_url("product", status__exact=ProductStatus.ACTIVE),
    )


def _stock_cards() -> list[Card]:
    """Return how many active products run out, and how many are gone."""
    few = Stock.objects.filter(
        on_hand__lte=F("reserved") + conf.low_stock(), product__status=ProductStatus.ACTIVE
    )
    numbers = few.values_list(F("on_hand") - F("reserved"), flat=True)[:MOST_COUNTED]
    available = list(numbers)
    more = "+" if len(available) == MOST_COUNTED else ""
    gone = available.count(0)
    low = len(available) - gone
    return [
        Card(
            title="Low stock",
            value=f"{low:,}{more}",
            hint=f"{conf.low_stock()} available at most, of active products",
            level="warning" if low else "success",
            link=list_url("product", status__exact=ProductStatus.ACTIVE, available="low"),
        ),
        Card(
            title="Depleted",
            value=f"{gone:,}{more}",
            hint="active products of which none is available",
            level="danger" if gone else "success",
            link=list_url("product", status__exact=ProductStatus.ACTIVE, available="none"),
        ),
    ]


def _alerts() -> Card:
    waiting = capped_count(Alert.objects.filter(cleared_at=None))
    return Card(
        title="Open alerts",
        value=counted(waiting),
        hint="for somebody to look at" if waiting else "what fell low is seen to",
        level="warning" if waiting else "success",
        link=list_url("alert", state="open"),
    )


def _reservations() -> Card:
    held = Reservation.objects.filter(status=ReservationStatus.RESERVED)
    oldest = held.aggregate(oldest=Min("created_at"))["oldest"]
    hint, level = "nothing is promised", ""
    if oldest is not None:
        old = timezone.now() - oldest
        hint = f"the oldest was made {age(old.total_seconds())} ago"
        level = "danger" if old >= OLD_RESERVATION else ""
    return Card(
        title="Open reservations",
        value=counted(capped_count(held)),
        hint=hint,
        level=level,
        link=list_url("reservation", status=ReservationStatus.RESERVED),
    )


def _transfers() -> Card:
    under_way = [TransferStatus.QUEUED, TransferStatus.RUNNING]
    number = capped_count(Transfer.objects.filter(status__in=under_way))
    return Card(
        title="Transfers under way",
        value=counted(number),
        hint="imports and exports",
        level="warning" if number else "",
        link=list_url("transfer"),
    )


def _units_sold(days: list[date]) -> list[int]:
    """Return the units of each day; what is read is what these days sold."""
    sold = ProductSales.objects.filter(date__gte=days[0]).values_list("date")
    units = dict(sold.annotate(Sum("units")))
    return [units.get(day, 0) for day in days]


def _top_products() -> Chart:
    """Return the best sellers, as a timed job counts them."""
    sellers = Product.objects.filter(popularity__gt=0).order_by("-popularity", "-id")
    top = list(sellers.values_list("name", "popularity")[:_TOP])
    return Chart(
        title=f"Top products of the last {_DAYS} days, by units",
        labels=[_shortened(name) for name, _ in top],
        series={"units": [units for _, units in top]},
        is_sideways=True,
    )


def _running_low() -> Listing:
    """Return the best sellers of which there are few."""
    sellers = Product.objects.filter(status=ProductStatus.ACTIVE, popularity__gt=0)
    best = sellers.order_by("-popularity", "-id").values("pk")[:_BEST_SELLERS]
    few = Product.objects.filter(
        pk__in=best, stock__on_hand__lte=F("stock__reserved") + conf.low_stock()
    )
    rows = few.order_by("-popularity", "-id").select_related("stock").only("name", "sku", "stock")
    return Listing(
        title="Best sellers that run low",
        lines=[
            Line(
                text=product.name,
                hint=product.sku,
                value=f"{product.stock.on_hand - product.stock.reserved:,} available",
                link=product_url(product.pk),
            )
            for product in rows[:_TOP]
        ],
        empty="There is enough of all that sold.",
    )


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
