"""The events of an order in every order in which they may come: stock and sales are the same in the end."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.catalog_service.models import Alert, ProductSales
from apps.catalog_service.services import alerts
from chassis.events import inbox
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.catalog_service.factories import ledger_of, product, reserve, stock_of
from tests.conftest import envelope

pytestmark = pytest.mark.django_db

LINES = [{"sku": "LAMP", "quantity": 2}]
HISTORIES = {
    "placed paid": (3, 0),
    "placed cancelled": (5, 0),
    "placed rejected": (5, 0),
    "placed paid cancelled": (5, 0),
    "placed paid refunded": (5, 0),
    "placed paid lost": (3, 0),
    "placed paid refunded cancelled": (5, 0),
}
"""What happens to an order that has two of five lamps reserved, and the stock in the end."""

SHUFFLED = [
    pytest.param(arrival, stock, id=" ".join(arrival))
    for history, stock in HISTORIES.items()
    for arrival in itertools.permutations(history.split())
]


def step(name, order_id):
    restock = {"restock": name == "refunded"} if name in {"refunded", "lost"} else {}
    type_ = "order.refunded" if restock else f"order.{name}"
    data = {"order_id": str(order_id), "lines": LINES, **restock}
    return envelope(type_, data, str(order_id))


def settle():
    """Try what failed until nothing is left to try."""
    now = timezone.now()
    for round_ in range(1, 9):
        inbox.retry_due(now=now + timedelta(minutes=2 * round_))


@pytest.mark.parametrize(("arrival", "stock"), SHUFFLED)
def test_whatever_comes_first_stock_and_sales_are_the_same_in_the_end(order, arrival, stock):
    lamp, order_id = product(5, sku="LAMP"), uuid7()
    reserve(order, ("LAMP", 2), order_id=order_id)
    messages = [step(name, order_id) for name in arrival]
    for message in (*messages, *messages):
        inbox.receive(message)
    settle()
    assert stock_of(lamp) == ledger_of(lamp) == stock
    assert [sold.units for sold in ProductSales.objects.all()] == [2]
    assert not InboxEvent.objects.filter(handled_at=None).exists()


@pytest.mark.parametrize("step_", [1, -1])
@pytest.mark.parametrize("available", [0, 2, 50])
def test_staff_are_told_how_it_is_whichever_alert_comes_first(step_, available):
    lamp = product(available, sku="LAMP")
    for name in ("stock.low", "stock.depleted")[::step_]:
        data = {"product_id": str(lamp.id), "sku": "LAMP", "name": "L", "available": 0}
        inbox.receive(envelope(name, {**data, "threshold": 5}, str(lamp.id)))
    alerts.clear_stock_alerts()
    told = sorted(Alert.objects.filter(cleared_at=None).values_list("kind", flat=True))
    assert told == {0: ["stock_depleted", "stock_low"], 2: ["stock_low"], 50: []}[available]
