from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.order_service import conf, services, tasks
from apps.order_service.errors import IdempotencyInProgress
from apps.order_service.models import Order, OrderHistory, Payment, SandboxCharge
from apps.order_service.payments import OutcomeUnknown
from apps.order_service.payments.sandbox import Sandbox
from apps.order_service.services import paying
from tests.order_service.factories import ORDERS, call, cancel, pay, place

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def order(as_customer):
    return Order.objects.get(id=place(as_customer).json()["id"])


def later(seconds: float = conf.SETTLE_AFTER_SECONDS + 1) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def read(client: Any, order: Order) -> Any:
    return client.get(f"{ORDERS}/{order.id}").json()


class TestPaying:
    def test_takes_the_money_once(self, as_customer, order, outbox_events):
        response = pay(as_customer, order.id)
        payment = Payment.objects.get()
        assert response.status_code == 201
        assert response.json() == {"id": str(payment.id), "status": "succeeded"}
        charge = SandboxCharge.objects.get()
        assert (charge.payment_id, charge.amount) == (payment.id, order.total)
        assert payment.provider_reference == f"sandbox-{payment.id}"
        paid = read(as_customer, order)
        assert paid["status"] == "paid"
        assert paid["paid_at"] is not None
        assert [(p["id"], p["status"]) for p in paid["payments"]] == [
            (str(payment.id), "succeeded")
        ]
        event = outbox_events(order.id)[-1]
        assert (event.type, event.sequence) == ("order.paid", 2)
        assert event.data == {
            "order_id": str(order.id),
            "user_id": str(as_customer.user_id),
            "payment_id": str(payment.id),
            "total": "44.70",
            "currency": "EUR",
        }

    @pytest.mark.parametrize("body", [{"token": "tok_ok"}, {"method": "card", "token": "tok_ok"}])
    def test_is_by_card_unless_told(self, as_customer, order, body):
        response = as_customer.post(
            f"{ORDERS}/{order.id}/payments", body, headers={"Idempotency-Key": "k"}
        )
        assert response.status_code == 201
        assert Payment.objects.get().method == "card"

    def test_keeps_no_token(self, as_customer, order):
        pay(as_customer, order.id, "tok_of_my_card_4111")
        assert "4111" not in str(Payment.objects.values().get())
        assert Payment.objects.get().token_kind == "other"

    def test_is_the_owners_alone(self, as_staff, client_as, order):
        assert pay(client_as("customer"), order.id).status_code == 404
        refused = pay(as_staff, order.id)
        assert refused.status_code == 403
        assert refused.json()["code"] == "permission-denied"
        assert Payment.objects.count() == 0

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "#/token"),
            ({"token": ""}, "#/token"),
            ({"token": 7}, "#/token"),
            ({"token": "t" * 256}, "#/token"),
            ({"token": "tok_ok", "method": "cash"}, "#/method"),
        ],
    )
    def test_needs_a_token_and_a_known_method(self, as_customer, order, body, pointer):
        response = as_customer.post(
            f"{ORDERS}/{order.id}/payments", body, headers={"Idempotency-Key": "k"}
        )
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


class TestDeclined:
    @pytest.mark.parametrize("token", ["tok_declined", "tok_nobody_knows"])
    def test_is_402_and_leaves_the_order_to_be_paid(self, as_customer, order, token):
        response = pay(as_customer, order.id, token)
        problem = response.json()
        assert response.status_code == 402
        assert problem["code"] == "payment-declined"
        assert problem["payment_id"] == str(Payment.objects.get().id)
        assert read(as_customer, order)["status"] == "placed"
        assert pay(as_customer, order.id).status_code == 201
        assert read(as_customer, order)["status"] == "paid"


class TestRefused:
    def test_when_it_was_tried_too_often(self, as_customer, order):
        for _ in range(conf.MOST_PAYMENTS - 1):
            assert pay(as_customer, order.id, "tok_declined").status_code == 402
        order_of_others = place(as_customer).json()
        assert pay(as_customer, order.id, "tok_declined", key="last").status_code == 402
        again = pay(as_customer, order.id)
        assert (again.status_code, again.json()["code"]) == (409, "too-many-payments")
        assert len(read(as_customer, order)["payments"]) == conf.MOST_PAYMENTS
        assert pay(as_customer, order.id, "tok_declined", key="last").status_code == 402
        assert pay(as_customer, order_of_others["id"]).status_code == 201
        assert cancel(as_customer, order.id).status_code == 200

    def test_when_the_order_is_paid(self, as_customer, order):
        pay(as_customer, order.id)
        again = pay(as_customer, order.id)
        assert again.status_code == 409
        assert again.json()["code"] == "state-conflict"
        assert again.json()["order_status"] == "paid"
        assert SandboxCharge.objects.count() == 1

    def test_when_the_order_is_cancelled(self, as_customer, order):
        cancel(as_customer, order.id)
        assert pay(as_customer, order.id).json()["code"] == "state-conflict"

    def test_when_the_order_is_pending(self, as_customer, catalog):
        catalog.down = True
        order = place(as_customer).json()
        assert pay(as_customer, order["id"]).json()["code"] == "state-conflict"

    def test_when_the_time_is_over(self, as_customer, order):
        Order.objects.update(expires_at=timezone.now() - timedelta(milliseconds=1))
        response = pay(as_customer, order.id)
        assert response.status_code == 409
        assert response.json()["code"] == "payment-expired"
        assert Payment.objects.count() == 0

    def test_while_another_payment_is_under_way(self, as_customer, order):
        pay(as_customer, order.id, "tok_timeout")
        response = pay(as_customer, order.id)
        assert response.status_code == 409
        assert response.json()["code"] == "state-conflict"
        assert Payment.objects.count() == 1


class TestUnknownOutcome:
    def test_is_202_and_holds_the_order(self, as_customer, order):
        response = pay(as_customer, order.id, "tok_timeout")
        assert response.status_code == 202
        assert response.json()["status"] == "unknown"
        assert cancel(as_customer, order.id).json()["code"] == "state-conflict"
        assert services.cancel_expired_orders(now=later(100_000)) == 0

    def test_is_asked_for_and_charged_once(self, as_customer, order, outbox_events):
        payment_id = pay(as_customer, order.id, "tok_timeout").json()["id"]
        assert services.settle_payments(now=later()) == 1
        paid = read(as_customer, order)
        assert paid["status"] == "paid"
        assert [p["status"] for p in paid["payments"]] == ["succeeded"]
        assert str(SandboxCharge.objects.get().payment_id) == payment_id
        assert outbox_events(order.id)[-1].type == "order.paid"
        assert OrderHistory.objects.get(to_status="paid").who == "job:payments"
        assert services.settle_payments(now=later()) == 0

    def test_is_asked_for_again_while_the_provider_is_silent(self, as_customer, order, monkeypatch):
        pay(as_customer, order.id, "tok_timeout")

        def silent(self, request):
            raise OutcomeUnknown("no answer")

        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "settle", silent)
            now = later()
            assert services.settle_payments(now=now) == 0
            assert Payment.objects.get().status == "unknown"
            assert Payment.objects.filter(settle_after__gt=now).exists()
        assert services.settle_payments(now=later(60)) == 1

    def test_waits_for_its_time(self, as_customer, order):
        pay(as_customer, order.id, "tok_timeout")
        tasks.settle_payments()
        assert Payment.objects.get().status == "unknown"
        Payment.objects.update(settle_after=timezone.now())
        tasks.settle_payments()
        assert Payment.objects.get().status == "succeeded"


@pytest.mark.django_db(transaction=True)
class TestKilledProcess:
    """The money is taken once or not at all, and the order says which."""

    def die(self, monkeypatch: Any, user_id: UUID, order: Order, *, charged: bool) -> None:
        charge = Sandbox.charge

        def dying(self, request, token):
            if charged:
                charge(self, request, token)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "charge", dying)
            with pytest.raises(Killed):
                self.pay(user_id, order)

    def pay(self, user_id: UUID, order: Order) -> services.Answer:
        return services.pay_order(
            call=call(user_id, path=f"{ORDERS}/{order.id}/payments"),
            order_id=order.id,
            method="card",
            token="tok_ok",
        )

    def test_after_the_charge_is_paid(self, as_customer, order, monkeypatch):
        self.die(monkeypatch, as_customer.user_id, order, charged=True)
        with pytest.raises(IdempotencyInProgress):
            self.pay(as_customer.user_id, order)
        services.settle_payments(now=later())
        answer = self.pay(as_customer.user_id, order)
        assert answer.status == 201
        assert read(as_customer, order)["status"] == "paid"
        assert SandboxCharge.objects.count() == 1

    def test_before_the_charge_is_void_and_stays_so(self, as_customer, order, monkeypatch):
        self.die(monkeypatch, as_customer.user_id, order, charged=False)
        services.settle_payments(now=later())
        answer = self.pay(as_customer.user_id, order)
        assert answer.status == 402
        assert read(as_customer, order)["status"] == "placed"
        payment = Payment.objects.get()
        late = Sandbox().charge(paying.request_of(payment, now=later()), "tok_ok")
        assert not late.succeeded
        assert pay(as_customer, order.id).status_code == 201


class TestMoneyForAnOrderThatCannotBePaid:
    @pytest.fixture
    def gone(self, order, monkeypatch):
        """Let the order be gone once the provider has the money: nothing here does that."""
        charge = Sandbox.charge

        def slow(self, request, token):
            outcome = charge(self, request, token)
            Order.objects.update(
                status="cancelled", cancelled_at=timezone.now(), payment_in_flight=None
            )
            return outcome

        monkeypatch.setattr(Sandbox, "charge", slow)
        return order

    def test_goes_back(self, as_customer, gone, outbox_events):
        response = pay(as_customer, gone.id)
        assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
        assert response.json()["order_status"] == "cancelled"
        payment = Payment.objects.get()
        assert payment.status == "refunding"
        assert payment.provider_reference == f"sandbox-{payment.id}"
        assert services.refund_payments(now=later()) == 1
        assert Payment.objects.get().status == "refunded"
        assert SandboxCharge.objects.get().refunded
        assert [event.type for event in outbox_events(gone.id)] == ["order.placed"]


class TestOtherMoneyThanAskedFor:
    @pytest.mark.parametrize(
        "told", [{"amount": Decimal("44.69")}, {"currency": "USD"}], ids=["amount", "currency"]
    )
    def test_pays_nothing_and_stays_unknown(self, as_customer, order, monkeypatch, told):
        charge = Sandbox.charge
        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "charge", lambda *args: replace(charge(*args), **told))
            response = pay(as_customer, order.id)
        assert (response.status_code, response.json()["status"]) == (202, "unknown")
        assert read(as_customer, order)["status"] == "placed"
        SandboxCharge.objects.update(**told)
        assert services.settle_payments(now=later()) == 0
        assert Payment.objects.get().status == "unknown"

    def test_is_compared_with_what_the_order_costs(self, as_customer, order):
        pay(as_customer, order.id, "tok_timeout")
        Order.objects.update(total=Decimal("44.71"), tax=Decimal("0.01"))
        assert services.settle_payments(now=later()) == 0
        assert Payment.objects.get().status == "unknown"


class TestShopWithAnotherProvider:
    @pytest.fixture(autouse=True)
    def provider(self, settings):
        settings.PAYMENT_PROVIDER = "webhook"

    def test_takes_nothing_by_the_sandbox(self, as_customer, order):
        response = pay(as_customer, order.id)
        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == "#/method"
        assert Payment.objects.count() == 0

    def test_asks_the_sandbox_about_what_was_paid_there(self, as_customer, order, settings):
        settings.PAYMENT_PROVIDER = "sandbox"
        as_customer.post(
            f"{ORDERS}/{order.id}/payments",
            {"method": "card", "token": "tok_timeout"},
            headers={"Idempotency-Key": "k"},
        )
        settings.PAYMENT_PROVIDER = "webhook"
        assert services.settle_payments(now=later()) == 1
        assert read(as_customer, order)["status"] == "paid"
