"""What becomes of orders whose request could not finish."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.order_service import conf, services, tasks
from apps.order_service.errors import IdempotencyInProgress
from apps.order_service.models import IdempotencyRecord, Order, OrderHistory
from apps.order_service.services import idempotency
from chassis.rest import Broken
from tests.order_service.factories import ORDERS, call, draft, order_body, place

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process ends here."""


def later(seconds: float = conf.RECOVER_AFTER_SECONDS + 1) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def pending(as_customer, catalog):
    """Return an order that catalog could not be asked about; catalog is back."""
    catalog.down = True
    order = place(as_customer, ("CHAIR", 2), key="k").json()
    catalog.down = False
    return Order.objects.get(id=order["id"])


class TestRecovery:
    def test_places_an_order_left_pending(self, pending, as_customer, outbox_events):
        assert services.recover_orders(now=timezone.now()) == 1
        order = as_customer.get(f"{ORDERS}/{pending.id}").json()
        assert (order["status"], order["total"]) == ("placed", "204.90")
        assert [event.type for event in outbox_events(pending.id)] == ["order.placed"]
        assert OrderHistory.objects.get(to_status="placed").who == "job:recovery"

    def test_goes_on_behind_an_order_that_catalog_does_not_answer_well(
        self, as_customer, catalog, monkeypatch
    ):
        catalog.down = True
        first, second = (place(as_customer).json()["id"] for _ in range(2))
        catalog.down = False
        reserve = catalog.reserve

        def answer(order_id, lines):
            if str(order_id) == first:
                raise Broken("catalog answered 500")
            return reserve(order_id, lines)

        monkeypatch.setattr(catalog, "reserve", answer)
        assert services.recover_orders(now=timezone.now()) == 1
        statuses = dict(Order.objects.values_list("id", "status"))
        assert {str(order_id): status for order_id, status in statuses.items()} == {
            first: "pending",
            second: "placed",
        }

    def test_is_a_timed_job(self, pending):
        tasks.recover_orders()
        pending.refresh_from_db()
        assert pending.status == "placed"

    def test_rejects_an_order_that_cannot_be_had(self, pending, catalog, outbox_events):
        catalog.stock("CHAIR", price="100.00", available=1)
        services.recover_orders(now=timezone.now())
        pending.refresh_from_db()
        assert pending.status == "rejected"
        assert [event.type for event in outbox_events(pending.id)] == ["order.rejected"]

    def test_rejects_an_order_whose_price_has_changed(self, as_customer, catalog):
        catalog.down = True
        place(as_customer, ("CHAIR", 1), expected_total="104.90")
        catalog.down = False
        catalog.stock("CHAIR", price="90.00")
        services.recover_orders(now=timezone.now())
        assert Order.objects.get().status == "rejected"
        assert catalog.reservations == {}

    def test_decides_all_that_are_due(self, as_customer, catalog):
        catalog.down = True
        for _ in range(5):
            place(as_customer)
        catalog.down = False
        assert services.recover_orders(now=timezone.now()) == 5
        assert set(Order.objects.values_list("status", flat=True)) == {"placed"}

    def test_leaves_young_orders_to_their_request(self, as_customer, catalog):
        with pytest.raises(Killed):
            die_asking(catalog, as_customer.user_id)
        assert services.recover_orders(now=later(conf.RECOVER_AFTER_SECONDS - 1)) == 0
        assert Order.objects.get().status == "pending"

    def test_stops_the_round_while_catalog_is_down(self, as_customer, catalog):
        catalog.down = True
        for _ in range(3):
            place(as_customer)
        catalog.asked.clear()
        assert services.recover_orders(now=later()) == 0
        assert catalog.asked.total() == 1

    def test_asks_about_another_order_in_the_next_round(self, as_customer, catalog):
        catalog.down = True
        for _ in range(3):
            place(as_customer)
        catalog.asked.clear()
        now = timezone.now()
        for _ in range(3):
            services.recover_orders(now=now)
        assert sorted(catalog.asked.values()) == [1, 1, 1]

    def test_publishes_in_the_context_of_the_request(self, as_customer, catalog, outbox_events):
        catalog.down = True
        response = as_customer.post(
            ORDERS,
            order_body(),
            headers={"Idempotency-Key": "k", "X-Request-ID": "customers-request"},
        )
        catalog.down = False
        services.recover_orders(now=timezone.now())
        (event,) = outbox_events(response.json()["id"])
        assert event.request_id == "customers-request"


class TestGivingUp:
    def test_cancels_an_order_that_stayed_pending(self, pending, catalog, outbox_events):
        catalog.down = True
        services.recover_orders(now=later(conf.RECOVERY_SECONDS))
        pending.refresh_from_db()
        assert pending.status == "cancelled"
        assert [event.type for event in outbox_events(pending.id)] == ["order.cancelled"]

    def test_waits_until_then(self, pending, catalog):
        catalog.down = True
        services.recover_orders(now=later(conf.RECOVERY_SECONDS - 10))
        pending.refresh_from_db()
        assert pending.status == "pending"

    def test_releases_what_was_reserved_and_lets_nothing_late_in(self, as_customer, catalog):
        catalog.lose_answer = True
        place(as_customer, ("CHAIR", 2))
        assert catalog.available("CHAIR") == 3
        services.recover_orders(now=later(conf.RECOVERY_SECONDS))
        assert catalog.available("CHAIR") == 5
        assert catalog.released == {Order.objects.get().id}


def die_asking(catalog: Any, user_id: UUID, *, reserved: bool = False) -> None:
    """Place an order in a process that dies while it asks catalog, before or after the effect."""
    reserve = catalog.reserve

    def dying(order_id: UUID, lines: Any) -> None:
        if reserved:
            reserve(order_id, lines)
        raise Killed

    catalog.reserve = dying
    try:
        services.place_order(call=call(user_id), draft=draft(user_id, ("CHAIR", 2)))
    finally:
        catalog.reserve = reserve


def die_in_transaction_2(monkeypatch: pytest.MonkeyPatch, user_id: UUID) -> None:
    """Place an order in a process that dies when all of the second transaction is written."""
    with monkeypatch.context() as patch:

        def dying(*args, **kwargs):
            raise Killed

        patch.setattr(idempotency, "finish", dying)
        services.place_order(call=call(user_id), draft=draft(user_id, ("CHAIR", 2)))


class TestKilledProcess:
    """One order, one reservation and one answer, wherever the process dies."""

    @pytest.mark.parametrize("point", ["after transaction 1", "after the call", "in transaction 2"])
    def test_heals(self, point, as_customer, catalog, monkeypatch, outbox_events):
        user_id = as_customer.user_id
        die = {
            "after transaction 1": partial(die_asking, catalog),
            "after the call": partial(die_asking, catalog, reserved=True),
            "in transaction 2": partial(die_in_transaction_2, monkeypatch),
        }
        with pytest.raises(Killed):
            die[point](user_id)
        order = Order.objects.get()
        assert order.status == "pending"
        assert outbox_events() == []
        with pytest.raises(IdempotencyInProgress):
            services.place_order(call=call(user_id), draft=draft(user_id, ("CHAIR", 2)))

        services.recover_orders(now=later())

        order.refresh_from_db()
        assert order.status == "placed"
        assert list(catalog.reservations) == [order.id]
        assert catalog.available("CHAIR") == 3
        assert [event.type for event in outbox_events()] == ["order.placed"]
        answer = services.place_order(call=call(user_id), draft=draft(user_id, ("CHAIR", 2)))
        assert answer.status == 201
        assert str(order.id).encode() in answer.body
        assert Order.objects.count() == 1

    def test_fills_in_the_missing_answer_of_a_rejected_order(self, as_customer, catalog):
        with pytest.raises(Killed):
            die_asking(catalog, as_customer.user_id)
        catalog.stock("CHAIR", price="100.00", available=1)
        services.recover_orders(now=later())
        answer = idempotency.stored_answer(call(as_customer.user_id))
        assert answer.status == 409
        assert b'"code":"out-of-stock"' in answer.body
        assert b'"instance":"/api/v1/orders"' in answer.body
        assert IdempotencyRecord.objects.get().request_id.encode() in answer.body

    def test_fills_in_the_missing_answer_of_an_order_given_up(self, as_customer, catalog):
        with pytest.raises(Killed):
            die_asking(catalog, as_customer.user_id)
        services.recover_orders(now=later(conf.RECOVERY_SECONDS + 1))
        answer = idempotency.stored_answer(call(as_customer.user_id))
        assert answer.status == 409
        assert b'"code":"state-conflict"' in answer.body
