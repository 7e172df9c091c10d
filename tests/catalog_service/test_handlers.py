"""What events of orders do to stock and sales."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from apps.catalog_service.models import Product, ProductSales, Reservation, StockMovement
from chassis.events import inbox
from chassis.ids import uuid7
from chassis.models import DenyEntry, InboxEvent
from tests.catalog_service.factories import ledger_of, product, reservation_path, reserve, stock_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tell(deliver: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a function that delivers an event of an order."""

    def send(name: str, order_id: Any, **data: Any) -> dict[str, Any]:
        return deliver(name, {"order_id": str(order_id), **data}, str(order_id))

    return send


def effects() -> list[tuple[str, str]]:
    return list(InboxEvent.objects.order_by("received_at").values_list("consumer", "effect"))


def failure_of(message: dict[str, Any]) -> str:
    row = InboxEvent.objects.get(event_id=message["id"])
    assert row.handled_at is None
    return row.error


@pytest.fixture
def lamp():
    return product(5, sku="LAMP")


@pytest.fixture
def chair():
    return product(5, sku="CHAIR")


@pytest.fixture
def reserved(order, lamp, chair):
    """Return the id of an order that has two lamps and a chair reserved."""
    order_id = uuid7()
    reserve(order, ("LAMP", 2), ("CHAIR", 1), order_id=order_id)
    return order_id


class TestOrderPaid:
    def test_takes_the_pieces_off_the_stock(self, tell, order, reserved, lamp, chair):
        tell("order.paid", reserved)
        assert effects() == [("catalog.commit_reservation", "committed 2 lines, 3 units")]
        assert stock_of(lamp) == ledger_of(lamp) == (3, 0)
        assert stock_of(chair) == ledger_of(chair) == (4, 0)
        assert order.get(reservation_path(reserved)).json()["status"] == "committed"

    def test_delivered_twice_works_once(self, tell, reserved, lamp):
        message = tell("order.paid", reserved)
        inbox.receive(message)
        assert len(effects()) == 1
        assert stock_of(lamp) == (3, 0)

    def test_told_by_two_events_works_once(self, tell, reserved, lamp):
        tell("order.paid", reserved)
        tell("order.paid", reserved)
        assert effects()[1] == ("catalog.commit_reservation", "was committed before")
        assert stock_of(lamp) == ledger_of(lamp) == (3, 0)
        assert StockMovement.objects.filter(kind="committed").count() == 2

    def test_without_a_reservation_fails_and_is_tried_again(self, tell, order, lamp):
        order_id = uuid7()
        message = tell("order.paid", order_id)
        assert "NotFound" in failure_of(message)
        reserve(order, ("LAMP", 2), order_id=order_id)
        InboxEvent.objects.update(not_before=timezone.now())
        assert inbox.retry_due() == 1
        assert stock_of(lamp) == (3, 0)

    def test_after_a_release_fails_and_takes_nothing(self, tell, order, reserved, lamp):
        order.delete(reservation_path(reserved))
        message = tell("order.paid", reserved)
        assert "ReservationClosed" in failure_of(message)
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)

    def test_after_the_order_was_cancelled_takes_nothing(self, tell, reserved, lamp):
        tell("order.cancelled", reserved)
        tell("order.paid", reserved)
        assert effects()[1][1] == "took nothing: the order was cancelled"
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)

    def test_that_fails_succeeds_once_the_order_is_cancelled(self, tell, order, reserved, lamp):
        order.delete(reservation_path(reserved))
        message = tell("order.paid", reserved)
        tell("order.cancelled", reserved)
        InboxEvent.objects.filter(event_id=message["id"]).update(not_before=timezone.now())
        assert inbox.retry_due() == 1
        assert InboxEvent.objects.get(event_id=message["id"]).handled_at
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)


@pytest.mark.parametrize(
    ("name", "consumer"),
    [
        ("order.cancelled", "catalog.release_cancelled"),
        ("order.rejected", "catalog.release_rejected"),
    ],
)
class TestOrderEnded:
    def test_frees_the_stock(self, tell, reserved, lamp, chair, name, consumer):
        message = tell(name, reserved)
        inbox.receive(message)
        assert effects() == [(consumer, "released 2 lines, 3 units")]
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)
        assert stock_of(chair) == ledger_of(chair) == (5, 0)

    def test_after_the_release_does_nothing(self, tell, order, reserved, lamp, name, consumer):
        order.delete(reservation_path(reserved))
        tell(name, reserved)
        assert effects() == [(consumer, "was released before")]
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)

    def test_before_the_reservation_stops_it(self, tell, order, lamp, name, consumer):
        order_id = uuid7()
        tell(name, order_id)
        assert effects() == [(consumer, "had nothing reserved")]
        response = reserve(order, ("LAMP", 1), order_id=order_id)
        assert response.json()["code"] == "reservation-closed"
        assert stock_of(lamp) == (5, 0)


class TestOrderRejected:
    def test_after_the_payment_fails_and_frees_nothing(self, tell, reserved, lamp):
        tell("order.paid", reserved)
        assert "ReservationClosed" in failure_of(tell("order.rejected", reserved))
        assert Reservation.objects.get().status == "committed"
        assert stock_of(lamp) == ledger_of(lamp) == (3, 0)


class TestOrderCancelledAfterItWasPaid:
    def test_puts_the_pieces_back_once(self, tell, order, reserved, lamp, chair):
        tell("order.paid", reserved)
        for _ in range(2):
            tell("order.cancelled", reserved)
        consumer = "catalog.release_cancelled"
        assert effects()[1:] == [
            (consumer, "returned 2 lines, 3 units"),
            (consumer, "was returned before"),
        ]
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)
        assert stock_of(chair) == ledger_of(chair) == (5, 0)
        movements = StockMovement.objects.filter(kind="returned", order_id=reserved)
        assert sorted(movements.values_list("on_hand", "reserved")) == [(1, 0), (2, 0)]

    def test_is_closed_for_good(self, tell, order, reserved, lamp):
        tell("order.paid", reserved)
        tell("order.cancelled", reserved)
        tell("order.paid", reserved)
        assert effects()[2][1] == "was committed before"
        assert order.delete(reservation_path(reserved)).status_code == 204
        again = reserve(order, ("LAMP", 2), ("CHAIR", 1), order_id=reserved)
        assert (again.status_code, again.json()["code"]) == (409, "reservation-closed")
        assert order.get(reservation_path(reserved)).json()["status"] == "returned"
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)


class TestOrderPlaced:
    LINES = (
        {"sku": "LAMP", "quantity": 2},
        {"sku": "CHAIR", "quantity": 1},
        {"sku": "LAMP", "quantity": 3},
    )

    def sold(self) -> dict[str, int]:
        rows = ProductSales.objects.filter(date=timezone.now().date())
        return dict(rows.values_list("product__sku", "units"))

    def test_counts_what_is_ordered(self, tell, lamp, chair):
        message = tell("order.placed", uuid7(), lines=self.LINES, total="1.00")
        inbox.receive(message)
        assert effects() == [("catalog.count_sales", "counted 6 units sold")]
        assert self.sold() == {"LAMP": 5, "CHAIR": 1}

    def test_adds_up_orders_of_a_day(self, tell, lamp, chair):
        for _ in range(2):
            tell("order.placed", uuid7(), lines=self.LINES)
        assert self.sold() == {"LAMP": 10, "CHAIR": 2}

    @pytest.mark.parametrize("step", [1, -1])
    def test_locks_rows_in_key_order(self, tell, step):
        """Or two orders of the same products could lock each other out."""
        made = [product() for _ in range(6)]
        Product.objects.filter(id=made[2].id).update(name="New")  # stands last on the disk now
        lines = [{"sku": p.sku, "quantity": 1} for p in made[::step]]
        tell("order.placed", uuid7(), lines=lines)
        written = ProductSales.objects.order_by("id").values_list("product_id", flat=True)
        assert list(written) == sorted(p.id for p in made)

    def test_leaves_out_what_it_does_not_know(self, tell, lamp):
        tell("order.placed", uuid7(), lines=[*self.LINES[:1], {"sku": "NONE", "quantity": 9}])
        assert effects() == [("catalog.count_sales", "counted 2 units sold")]
        assert self.sold() == {"LAMP": 2}


class TestUserWhoseRightsChanged:
    TIMES = ("2026-01-02T12:00:00.300000Z", "2026-01-02T12:00:01.700000Z")

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    @pytest.mark.parametrize(
        "names", [("user.role_changed", "user.deactivated"), ("user.deactivated",) * 2]
    )
    def test_is_denied_up_to_the_latest_change_in_whatever_order_it_is_heard(
        self, deliver, names, order
    ):
        user_id = uuid7()
        for at in order:
            data = {"user_id": str(user_id), "not_before": self.TIMES[at], "role": "staff"}
            deliver(names[at], data, str(user_id))
        entry = DenyEntry.objects.get()
        assert (entry.user_id, entry.not_before) == (user_id, datetime.fromisoformat(self.TIMES[1]))
        assert InboxEvent.objects.filter(consumer="catalog.deny_user", dead_at=None).count() == 2

    def test_is_denied_once_for_an_event_that_comes_twice(self, deliver):
        user_id = uuid7()
        data = {"user_id": str(user_id), "not_before": self.TIMES[0]}
        message = deliver("user.deactivated", data, str(user_id))
        inbox.receive(message)
        assert DenyEntry.objects.count() == InboxEvent.objects.count() == 1
