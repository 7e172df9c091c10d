"""Callers at once, each on a connection of its own; nobody sleeps."""

import threading
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from apps.order_service import conf, services
from apps.order_service.models import Order, OrderHistory, Payment, SandboxCharge
from apps.order_service.payments.sandbox import Sandbox
from tests.order_service.factories import call, cancel, draft, pay, place

pytestmark = pytest.mark.django_db(transaction=True)


def codes(responses: list[Any]) -> Counter[Any]:
    return Counter(
        response.json().get("code", response.status_code)
        if response.status_code >= 400
        else response.status_code
        for response in responses
    )


class TestSameKeyAtOnce:
    def test_makes_one_order(self, as_customer, at_once, catalog, outbox_events):
        responses = at_once(*[partial(place, as_customer, key="k")] * 10)
        found = codes(responses)
        assert found[201] >= 1
        assert found[201] + found["idempotency-in-progress"] == 10
        assert Order.objects.count() == 1
        assert catalog.asked.total() == 1
        assert len({r.content for r in responses if r.status_code == 201}) == 1
        assert [event.type for event in outbox_events()] == ["order.placed"]

    def test_charges_once(self, as_customer, at_once):
        order = place(as_customer).json()
        responses = at_once(*[partial(pay, as_customer, order["id"], key="k")] * 10)
        found = codes(responses)
        assert found[201] >= 1
        assert found[201] + found["idempotency-in-progress"] == 10
        assert SandboxCharge.objects.count() == Payment.objects.count() == 1


class TestOtherKeysAtOnce:
    def test_do_not_slip_past_the_limit_of_open_orders(self, as_customer, at_once, monkeypatch):
        monkeypatch.setattr(conf, "OPEN_ORDERS_LIMIT", 3)
        responses = at_once(*[partial(place, as_customer)] * 8)
        assert codes(responses) == {201: 3, "too-many-open-orders": 5}

    def test_pay_once(self, as_customer, at_once, outbox_events):
        order = place(as_customer).json()
        responses = at_once(*[partial(pay, as_customer, order["id"])] * 8)
        assert codes(responses) == {201: 1, "state-conflict": 7}
        assert SandboxCharge.objects.count() == 1
        assert [event.type for event in outbox_events(order["id"])] == [
            "order.placed",
            "order.paid",
        ]

    def test_cancel_once(self, as_customer, at_once, outbox_events):
        order = place(as_customer).json()
        responses = at_once(*[partial(cancel, as_customer, order["id"])] * 8)
        assert codes(responses) == {200: 1, "state-conflict": 7}
        assert len(outbox_events(order["id"])) == 2


class TestPayAgainstCancel:
    @pytest.mark.parametrize("attempt", range(8))
    def test_exactly_one_wins(self, as_customer, at_once, attempt, outbox_events):
        order = place(as_customer).json()
        paid, cancelled = at_once(
            partial(pay, as_customer, order["id"]), partial(cancel, as_customer, order["id"])
        )
        status = Order.objects.get().status
        if paid.status_code == 201:
            assert (status, cancelled.status_code) == ("paid", 409)
            assert cancelled.json()["code"] == "state-conflict"
        else:
            assert (status, cancelled.status_code) == ("cancelled", 200)
            assert (paid.status_code, paid.json()["code"]) == (409, "state-conflict")
            assert SandboxCharge.objects.count() == 0
        assert outbox_events(order["id"])[-1].type == f"order.{status}"

    def test_the_cancel_loses_while_the_provider_is_asked(self, as_customer, monkeypatch):
        order = place(as_customer).json()
        charge = Sandbox.charge
        seen: list[Any] = []

        def slow(self, request, token):
            seen.append(cancel(as_customer, order["id"]))
            seen.append(pay(as_customer, order["id"]))
            expires_at = Order.objects.get().expires_at
            assert expires_at
            seen.append(services.cancel_expired_orders(now=expires_at))
            return charge(self, request, token)

        monkeypatch.setattr(Sandbox, "charge", slow)
        assert pay(as_customer, order["id"]).status_code == 201
        assert [r.json()["code"] for r in seen[:2]] == ["state-conflict", "state-conflict"]
        assert seen[2] == 0
        assert Order.objects.get().status == "paid"


class TestRequestAgainstRecovery:
    """Both have catalog's answer before either writes."""

    def test_places_once(self, as_customer, at_once, catalog, outbox_events):
        user_id = as_customer.user_id
        reserve, both_asked = catalog.reserve, threading.Barrier(2)
        begun = threading.Event()

        def meet(order_id, lines):
            reservation = reserve(order_id, lines)
            begun.set()
            both_asked.wait(timeout=10)
            return reservation

        catalog.reserve = meet

        def recover():
            begun.wait(timeout=10)
            Order.objects.update(recover_after=timezone.now())
            return services.recover_orders(now=timezone.now())

        answer, recovered = at_once(
            partial(services.place_order, call=call(user_id), draft=draft(user_id)), recover
        )
        assert (answer.status, recovered) == (201, 1)
        assert Order.objects.get().status == "placed"
        assert OrderHistory.objects.filter(to_status="placed").count() == 1
        assert [event.type for event in outbox_events()] == ["order.placed"]
        assert len(catalog.reservations) == 1

    def test_takes_an_order_once_for_two_jobs(self, as_customer, at_once, catalog):
        catalog.down = True
        for _ in range(6):
            place(as_customer)
        catalog.down = False
        catalog.asked.clear()
        now = timezone.now()
        recovered = at_once(*[partial(services.recover_orders, now=now)] * 2)
        assert sum(recovered) == 6
        assert set(catalog.asked.values()) == {1}

    def test_settles_a_payment_once(self, as_customer, at_once, monkeypatch, outbox_events):
        order = place(as_customer).json()
        charge, settle = Sandbox.charge, Sandbox.settle
        both_asked, begun = threading.Barrier(2), threading.Event()

        def slow_charge(self, request, token):
            outcome = charge(self, request, token)
            begun.set()
            both_asked.wait(timeout=10)
            return outcome

        def slow_settle(self, request):
            outcome = settle(self, request)
            both_asked.wait(timeout=10)
            return outcome

        monkeypatch.setattr(Sandbox, "charge", slow_charge)
        monkeypatch.setattr(Sandbox, "settle", slow_settle)

        def recover():
            begun.wait(timeout=10)
            Payment.objects.update(settle_after=timezone.now())
            return services.settle_payments(now=timezone.now())

        response, settled = at_once(partial(pay, as_customer, order["id"]), recover)
        assert (response.status_code, settled) == (201, 1)
        assert [event.type for event in outbox_events(order["id"])] == [
            "order.placed",
            "order.paid",
        ]

    def test_gives_back_what_came_after_the_other_rejected(self, as_customer, catalog):
        """Recovery finds no stock and rejects; then the request, asking too, gets some."""
        catalog.stock("RARE", price="1.00", available=0)
        reserve, asked = catalog.reserve, []

        def restocked(order_id, lines):
            asked.append(order_id)
            if len(asked) == 1:
                Order.objects.update(recover_after=timezone.now())
                services.recover_orders(now=timezone.now())
                catalog.stock("RARE", price="1.00", available=1)
            return reserve(order_id, lines)

        catalog.reserve = restocked
        response = place(as_customer, ("RARE", 1))
        assert response.json()["code"] == "out-of-stock"
        assert len(asked) == 2
        assert catalog.available("RARE") == 1
        assert catalog.reservations == {}


class TestLastUnit:
    def test_is_sold_once(self, client_as, at_once, catalog):
        catalog.stock("LAST", price="1.00", available=1)
        buyers = [client_as("customer") for _ in range(8)]
        responses = at_once(*[partial(place, buyer, ("LAST", 1)) for buyer in buyers])
        assert codes(responses) == {201: 1, "out-of-stock": 7}
