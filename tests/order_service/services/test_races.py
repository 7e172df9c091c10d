"""Callers at once, each on a connection of its own; nobody sleeps."""

import threading
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from apps.order_service import conf, services
from apps.order_service.models import Order, OrderHistory, Payment, SandboxCharge
from apps.order_service.payments.sandbox import Sandbox
from apps.order_service.payments.webhook import WebhookProvider
from apps.order_service.services import cancelling, paying, transitions, webhooks
from chassis.models import AuditEntry
from tests.order_service.factories import ORDERS, act, call, cancel, draft, pay, place
from tests.order_service.webhook import SECRET, tell

pytestmark = pytest.mark.django_db(transaction=True)


def codes(responses: list[Any]) -> Counter[Any]:
    return Counter(
        response.json().get("code", response.status_code)
        if response.status_code >= 400
        else response.status_code
        for response in responses
    )


@pytest.fixture
def meet(monkeypatch):
    """Return a function that lets two callers meet where each has read and none has written."""

    def at(*places: tuple[Any, str]) -> None:
        both, met = threading.Barrier(2), set()

        def waiting(function: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                if threading.get_ident() not in met:
                    met.add(threading.get_ident())
                    both.wait(timeout=30)
                return function(*args, **kwargs)

            return run

        for module, name in places:
            monkeypatch.setattr(module, name, waiting(getattr(module, name)))

    return at


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
        monkeypatch.setattr(conf, "open_orders_limit", lambda: 3)
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
    @pytest.mark.parametrize("attempt", range(4))
    def test_exactly_one_wins(self, as_customer, at_once, meet, attempt, outbox_events):
        order = place(as_customer).json()
        meet((paying, "_begin"), (cancelling, "change_status"))
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


class TestChangesOfAPaidOrder:
    """Whoever comes second finds the order changed since it was read."""

    @pytest.mark.parametrize(
        ("before", "first", "second"),
        [
            ("paid", "cancel", "ship"),
            ("paid", "cancel", "cancel"),
            ("paid", "cancel", "refund"),
            ("paid", "ship", "ship"),
            ("shipped", "refund", "deliver"),
            ("shipped", "refund", "refund"),
        ],
        ids="-".join,
    )
    def test_at_once_are_one(
        self, as_customer, as_staff, at_once, meet, outbox_events, before, first, second
    ):
        order_id = place(as_customer).json()["id"]
        pay(as_customer, order_id)
        if before == "shipped":
            act(as_staff, order_id, "ship")
        told, audited = len(outbox_events()), AuditEntry.objects.count()
        meet((cancelling, "change_status"), (transitions, "change_status"))
        responses = at_once(*[partial(act, as_staff, order_id, name) for name in (first, second)])
        assert codes(responses) == {200: 1, "state-conflict": 1}
        (won,) = (r.json() for r in responses if r.status_code == 200)
        status = Order.objects.get().status
        assert won["status"] == status
        assert [event.type for event in outbox_events()[told:]] == [f"order.{status}"]
        assert OrderHistory.objects.filter(from_status=before).count() == 1
        assert AuditEntry.objects.count() == audited + 1
        goes_back = status in {"cancelled", "refunded"}
        assert services.refund_payments(now=timezone.now()) == goes_back
        assert SandboxCharge.objects.get().refunded == goes_back


class TestRefundJobs:
    def test_at_once_give_the_money_back_once(self, as_customer, at_once, monkeypatch):
        for _ in range(3):
            order_id = place(as_customer).json()["id"]
            pay(as_customer, order_id)
            cancel(as_customer, order_id)
        refund, asked = Sandbox.refund, []

        def counted(self, request):
            asked.append(request.payment_id)
            return refund(self, request)

        monkeypatch.setattr(Sandbox, "refund", counted)
        refunded = at_once(*[partial(services.refund_payments, now=timezone.now())] * 2)
        assert sum(refunded) == len(asked) == len(set(asked)) == 3


class TestWebhook:
    @pytest.fixture(autouse=True)
    def provider(self, settings):
        settings.PAYMENT_PROVIDER = "webhook"
        settings.WEBHOOK_SECRETS = [SECRET]

    @pytest.fixture
    def payment(self, as_customer):
        order_id = place(as_customer).json()["id"]
        self.pay(as_customer, order_id)
        return Payment.objects.get()

    def pay(self, client: Any, order_id: Any) -> Any:
        return client.post(
            f"{ORDERS}/{order_id}/payments", {"token": "any"}, headers={"Idempotency-Key": "k"}
        )

    def assert_paid_once(self, outbox_events: Any) -> None:
        assert Order.objects.get().status == "paid"
        assert Payment.objects.get().status == "succeeded"
        assert OrderHistory.objects.filter(to_status="paid").count() == 1
        assert [event.type for event in outbox_events()] == ["order.placed", "order.paid"]

    def test_that_is_faster_than_the_answer_of_the_request_is_what_that_answers(
        self, api, as_customer, monkeypatch, outbox_events
    ):
        order_id = place(as_customer).json()["id"]

        def told(self, request, token):
            assert tell(api, "succeeded", Payment.objects.get()).status_code == 200

        monkeypatch.setattr(WebhookProvider, "charge", told)
        response = self.pay(as_customer, order_id)
        assert (response.status_code, response.json()["status"]) == (201, "succeeded")
        self.assert_paid_once(outbox_events)

    def test_against_the_job_that_gives_up_pays_once(
        self, api, payment, at_once, meet, outbox_events
    ):
        meet((paying, "conclude"))
        long_after = timezone.now() + timedelta(days=1)
        response, settled = at_once(
            partial(tell, api, "succeeded", payment),
            partial(services.settle_payments, now=long_after),
        )
        assert (response.status_code, settled) == (200, 1)
        self.assert_paid_once(outbox_events)

    def test_twice_at_once_is_taken_once(self, api, payment, at_once, outbox_events):
        at = int(time.time())
        same = partial(tell, api, "succeeded", payment, message_id="m", at=at)
        assert codes(at_once(*[same] * 4)) == {200: 1, "webhook-replayed": 3}
        self.assert_paid_once(outbox_events)

    def test_of_two_ids_at_once_pays_once(self, api, payment, at_once, meet, outbox_events):
        meet((paying, "conclude"))
        assert codes(at_once(*[partial(tell, api, "succeeded", payment)] * 2)) == {200: 2}
        self.assert_paid_once(outbox_events)

    @pytest.mark.parametrize("attempt", range(2))
    def test_that_is_late_against_a_cancel_pays_or_gives_back(
        self, api, as_customer, payment, at_once, meet, attempt, outbox_events
    ):
        services.settle_payments(now=timezone.now() + timedelta(days=1))
        meet((webhooks, "_act"), (cancelling, "change_status"))
        told, cancelled = at_once(
            partial(tell, api, "succeeded", payment),
            partial(cancel, as_customer, payment.order_id),
        )
        assert told.status_code == 200
        payment.refresh_from_db()
        if cancelled.status_code == 200:
            assert (Order.objects.get().status, payment.status) == ("cancelled", "refunding")
            assert outbox_events()[-1].type == "order.cancelled"
        else:
            assert codes([cancelled]) == {"state-conflict": 1}
            self.assert_paid_once(outbox_events)


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
