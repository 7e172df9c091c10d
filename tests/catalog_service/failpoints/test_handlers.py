"""Every death of a worker while it handles an event: delivered again, the event has one effect."""

import pytest
from django.db.models import Sum

from apps.catalog_service.models import Alert, ProductSales, Reservation, StockMovement
from chassis.events import declarations
from chassis.ids import uuid7
from chassis.models import DenyEntry
from tests.catalog_service.factories import ledger_of, product, reserve, stock_of
from tests.conftest import envelope
from tests.failpoints import kill_handlers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

NOT_BEFORE = "2026-01-02T12:00:00Z"

ENDINGS = {
    # status that it had, status that it gets, (on hand, reserved) of five lamps, two ordered
    "order.paid": ("reserved", "committed", (3, 0)),
    "order.rejected": ("reserved", "released", (5, 0)),
    "order.cancelled": ("reserved", "released", (5, 0)),
    "order.cancelled-paid": ("committed", "returned", (5, 0)),
    "order.refunded": ("committed", "returned", (5, 0)),
}
ALERTS = ("stock.low", "stock.depleted")
USERS = ("user.role_changed", "user.deactivated")


def of_order(name, order_id, **data):
    return envelope(name, {"order_id": str(order_id), **data}, str(order_id))


class TestOrder:
    @pytest.mark.parametrize("case", ENDINGS)
    def test_moves_its_stock_once(self, order, deliver, case):
        name = case.removesuffix("-paid") if case.startswith("order.cancelled") else case
        before, after, stock = ENDINGS[case]
        lamps = {}

        def prepare():
            order_id, lamp = uuid7(), product(5)
            assert reserve(order, (lamp.sku, 2), order_id=order_id).status_code == 201
            if before == "committed":
                deliver("order.paid", {"order_id": str(order_id)}, str(order_id))
            lamps[str(order_id)] = lamp
            return of_order(name, order_id, restock=True)

        def check(message):
            lamp, order_id = lamps[message["subject"]], message["subject"]
            assert Reservation.objects.get(order_id=order_id).status == after
            assert stock_of(lamp) == ledger_of(lamp) == stock
            assert StockMovement.objects.filter(order_id=order_id, kind=after).count() == 1

        kill_handlers(prepare, check, at_least=5)

    def test_counts_its_sales_once(self):
        lamps = {}

        def prepare():
            order_id, lamp = uuid7(), product()
            lamps[str(order_id)] = lamp
            return of_order("order.placed", order_id, lines=[{"sku": lamp.sku, "quantity": 3}])

        def check(message):
            sales = ProductSales.objects.filter(product=lamps[message["subject"]])
            assert sales.aggregate(units=Sum("units"))["units"] == 3

        kill_handlers(prepare, check, at_least=4)


class TestStock:
    @pytest.mark.parametrize("name", ALERTS)
    def test_raises_one_alert(self, name):
        def prepare():
            lamp = product()
            data = {"product_id": str(lamp.id), "sku": lamp.sku, "name": lamp.name}
            return envelope(name, {**data, "available": 0, "threshold": 5}, str(lamp.id))

        def check(message):
            assert Alert.objects.filter(subject=message["subject"]).count() == 1

        kill_handlers(prepare, check, at_least=4)


class TestUser:
    @pytest.mark.parametrize("name", USERS)
    def test_is_denied_once(self, name):
        def prepare():
            user_id = str(uuid7())
            return envelope(name, {"user_id": user_id, "not_before": NOT_BEFORE}, user_id)

        def check(message):
            assert DenyEntry.objects.filter(user_id=message["subject"]).count() == 1

        kill_handlers(prepare, check, at_least=4)


class TestCoverage:
    def test_is_of_every_event_that_the_service_handles(self):
        tested = {*(name.removesuffix("-paid") for name in ENDINGS), *ALERTS, *USERS}
        tested |= {"order.paid", "order.placed"}
        own = {name for name, one in declarations.published().items() if "catalog" in one.consumers}
        assert tested == own | set(declarations.consumed())
