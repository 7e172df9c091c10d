from datetime import timedelta

import pytest
from django.utils import timezone

from apps.order_service import conf, services, tasks
from apps.order_service.models import Order, Payment, SandboxCharge
from apps.order_service.payments import OutcomeUnknown
from apps.order_service.payments.sandbox import Sandbox
from apps.order_service.services import refunding
from tests.order_service.factories import ORDERS, act, pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(as_customer):
    order = place(as_customer, ("CHAIR", 2)).json()
    pay(as_customer, order["id"])
    return Order.objects.get()


class TestRefundOfAnOrder:
    @pytest.mark.parametrize("restock", [True, False])
    def test_owes_the_money_and_tells_of_it(self, as_staff, order, outbox_events, restock):
        response = act(as_staff, order.id, "refund", reason="broken", restock=restock)
        assert response.status_code == 200
        assert response.json()["status"] == "refunded"
        payment = Payment.objects.get()
        assert (payment.status, payment.refunded_at) == ("refunding", None)
        event = outbox_events(order.id)[-1]
        assert event.type == "order.refunded"
        assert event.data == {
            "order_id": str(order.id),
            "user_id": str(order.user_id),
            "payment_id": str(payment.id),
            "total": "204.90",
            "currency": "EUR",
            "reason": "broken",
            "restock": restock,
        }

    def test_restocks_unless_told(self, as_staff, order, outbox_events):
        act(as_staff, order.id, "refund")
        data = outbox_events(order.id)[-1].data
        assert (data["reason"], data["restock"]) == ("refunded by staff", True)


class TestRefundOfAPayment:
    @pytest.fixture(autouse=True)
    def owed(self, as_staff, order):
        act(as_staff, order.id, "refund")

    def test_is_made_by_a_timed_job(self, as_customer, order):
        tasks.refund_payments()
        payment = Payment.objects.get()
        assert payment.status == "refunded"
        assert payment.refund_reference == f"sandbox-refund-{payment.id}"
        (shown,) = as_customer.get(f"{ORDERS}/{order.id}").json()["payments"]
        assert (shown["status"], shown["refunded_at"] is None) == ("refunded", False)

    def test_is_asked_for_again_while_the_provider_is_silent(self, monkeypatch):
        """The money went back and the answer was lost: it goes back once."""
        refund, asked = Sandbox.refund, []

        def silent(self, request):
            asked.append(refund(self, request))
            if len(asked) == 1:
                raise OutcomeUnknown("no answer")
            return asked[-1]

        monkeypatch.setattr(Sandbox, "refund", silent)
        now = timezone.now()
        assert services.refund_payments(now=now) == 0
        assert services.refund_payments(now=now) == 0
        assert (Payment.objects.get().status, len(asked)) == ("refunding", 1)
        later = now + timedelta(seconds=conf.REFUND_RETRY_SECONDS)
        assert services.refund_payments(now=later) == 1
        assert services.refund_payments(now=later + timedelta(days=1)) == 0
        assert (Payment.objects.get().status, len(asked)) == ("refunded", 2)
        assert SandboxCharge.objects.get().refunded

    def test_is_noted_once(self):
        payment = Payment.objects.get()
        assert refunding.mark_refunded(payment, "first")
        assert not refunding.mark_refunded(payment, "second")
        assert Payment.objects.get().refund_reference == "first"
