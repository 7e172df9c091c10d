"""What staff are told, and when that is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.catalog_service.models import Alert, AlertKind, Product, Reservation, Stock
from apps.catalog_service.services import alerts, stock
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.catalog_service.factories import product, reserve

pytestmark = pytest.mark.django_db


def open_alerts() -> list[tuple[str, str]]:
    return sorted(Alert.objects.filter(cleared_at=None).values_list("kind", "subject"))


@pytest.fixture
def lamp() -> Product:
    return product(10)


@pytest.fixture
def fall(deliver, outbox_events, settings):
    """Return a function that lets what is available fall, and delivers the events of it."""
    settings.LOW_STOCK = 5

    def run(made, *, to: int) -> None:
        stock.adjust_stock(slug=made.slug, quantity=to - on_hand(made), reason="r", actor="test")
        for event in outbox_events(made.id):
            if event.type.startswith("stock."):
                deliver(event.type, event.data, event.subject, id=str(event.id))

    return run


def on_hand(made: Product) -> int:
    return Stock.objects.get(product=made).on_hand


class TestStockAlert:
    def test_is_raised_by_the_event_and_cleared_once_there_is_more(self, fall, lamp):
        fall(lamp, to=5)
        assert open_alerts() == [("stock_low", str(lamp.id))]
        assert Alert.objects.get().details == {"sku": lamp.sku, "name": lamp.name, "threshold": 5}
        fall(lamp, to=0)
        assert open_alerts() == [("stock_depleted", str(lamp.id)), ("stock_low", str(lamp.id))]
        assert alerts.clear_stock_alerts() == 0
        fall(lamp, to=1)
        assert alerts.clear_stock_alerts() == 1
        assert open_alerts() == [("stock_low", str(lamp.id))]
        fall(lamp, to=6)
        assert alerts.clear_stock_alerts() == 1
        assert open_alerts() == []

    def test_is_open_once_and_may_be_raised_again(self, fall, lamp):
        for _ in range(2):
            fall(lamp, to=4)
            fall(lamp, to=3)
            assert open_alerts() == [("stock_low", str(lamp.id))]
            fall(lamp, to=10)
            alerts.clear_stock_alerts()
        assert Alert.objects.count() == 2

    @pytest.mark.parametrize("name", ["stock.low", "stock.depleted"])
    def test_is_not_raised_by_an_event_that_comes_late(self, deliver, lamp, name):
        data = {"product_id": str(lamp.id), "sku": lamp.sku, "name": lamp.name, "available": 0}
        deliver(name, {**data, "threshold": 5}, str(lamp.id))
        assert open_alerts() == []
        assert InboxEvent.objects.get().effect == "10 are available again"

    def test_is_not_raised_by_what_begins_low(self, fall):
        made = product(0)
        for pieces in (2, 5):
            fall(made, to=pieces)
        assert open_alerts() == []
        fall(made, to=0)
        assert open_alerts() == [("stock_depleted", str(made.id))]

    def test_of_an_archived_product_stays_for_when_it_is_taken_up_again(self, fall, lamp):
        fall(lamp, to=0)
        Product.objects.update(status="archived")
        assert alerts.clear_stock_alerts() == 0
        assert len(open_alerts()) == 2


class TestOldReservation:
    def test_is_told_of_and_not_released(self, order, lamp):
        order_id = uuid7()
        reserve(order, (lamp.sku, 1), order_id=order_id)
        now = timezone.now()
        assert alerts.watch_reservations(now=now + timedelta(hours=23)) == 0
        for _ in range(2):
            alerts.watch_reservations(now=now + timedelta(hours=25))
            assert open_alerts() == [("reservation_old", str(order_id))]
        assert Alert.objects.count() == 1
        assert Reservation.objects.get().status == "reserved"

    @pytest.mark.parametrize("name", ["order.paid", "order.cancelled"])
    def test_is_over_when_it_is_closed(self, order, lamp, deliver, name):
        order_id = uuid7()
        reserve(order, (lamp.sku, 1), order_id=order_id)
        later = timezone.now() + timedelta(hours=25)
        assert alerts.watch_reservations(now=later) == 1
        deliver(name, {"order_id": str(order_id)}, str(order_id))
        assert alerts.watch_reservations(now=later) == 0
        assert open_alerts() == []


class TestCleared:
    def test_are_deleted_after_a_year(self):
        for subject in "ab":
            alerts.raise_alert(AlertKind.STOCK_LOW, subject)
        assert alerts.clear_alert(AlertKind.STOCK_LOW, "a")
        later = timezone.now() + timedelta(days=366)
        assert alerts.delete_cleared(now=later - timedelta(days=2)) == 0
        assert alerts.delete_cleared(now=later) == 1
        assert Alert.objects.get().subject == "b"
