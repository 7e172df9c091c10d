from datetime import timedelta

import pytest
from django.utils import timezone

from apps.order_service import services, tasks
from apps.order_service.models import IdempotencyRecord, Order, OrderHistory, Payment, SandboxCharge
from tests.order_service.factories import ORDERS, cancel, pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(as_customer):
    return Order.objects.get(id=place(as_customer, ("CHAIR", 2)).json()["id"])


class TestCancelling:
    def test_a_placed_order(self, as_customer, order, outbox_events):
        response = cancel(as_customer, order.id)
        assert response.status_code == 200
        assert response.json()["status"] == "cancelled"
        event = outbox_events(order.id)[-1]
        assert event.type == "order.cancelled"
        assert event.data == {
            "order_id": str(order.id),
            "user_id": str(as_customer.user_id),
            "reason": "cancelled by the customer",
        }

    def test_a_pending_order_lets_nothing_late_in(self, as_customer, catalog, outbox_events):
        catalog.lose_answer = True
        order = place(as_customer, ("CHAIR", 2)).json()
        assert cancel(as_customer, order["id"]).json()["status"] == "cancelled"
        assert catalog.available("CHAIR") == 5
        assert [str(order_id) for order_id in catalog.released] == [order["id"]]
        assert [event.type for event in outbox_events()] == ["order.cancelled"]
        assert services.recover_orders(now=timezone.now()) == 0

    def test_by_staff(self, as_staff, order):
        assert cancel(as_staff, order.id).json()["status"] == "cancelled"
        assert OrderHistory.objects.get(to_status="cancelled").who == f"staff:{as_staff.user_id}"

    def test_of_another_customer_is_404(self, client_as, order):
        response = cancel(client_as("customer"), order.id)
        assert response.status_code == 404
        order.refresh_from_db()
        assert order.status == "placed"

    def test_a_paid_order_gives_the_money_back(self, as_customer, order, outbox_events):
        pay(as_customer, order.id)
        response = cancel(as_customer, order.id)
        assert response.status_code == 200
        assert response.json()["status"] == "cancelled"
        assert [p["status"] for p in response.json()["payments"]] == ["refunding"]
        assert outbox_events(order.id)[-1].type == "order.cancelled"
        tasks.refund_payments()
        (payment,) = as_customer.get(f"{ORDERS}/{order.id}").json()["payments"]
        assert payment["status"] == "refunded"
        assert payment["refunded_at"] is not None
        assert SandboxCharge.objects.get().refunded

    def test_a_cancelled_order_is_409(self, as_customer, order):
        cancel(as_customer, order.id)
        response = cancel(as_customer, order.id)
        assert response.status_code == 409
        assert response.json()["code"] == "state-conflict"
        assert response.json()["order_status"] == "cancelled"

    def test_keeps_the_reason_that_was_given(self, as_customer, order, outbox_events, caplog):
        path = f"{ORDERS}/{order.id}/cancel"
        for reason in ("", 7, "x" * 201):
            assert as_customer.post(path, {"reason": reason}).status_code == 400
        assert as_customer.post(path, {"reason": "too late"}).status_code == 200
        told = "".join(f"{record.msg}" for record in caplog.records)
        assert "order_cancelled" in told
        assert "too late" not in told  # people may write anything there
        assert OrderHistory.objects.get(to_status="cancelled").why == "too late"
        assert outbox_events(order.id)[-1].data["reason"] == "too late"

    def test_a_rejected_order_is_409(self, as_customer):
        place(as_customer, ("GHOST", 1))
        response = cancel(as_customer, Order.objects.get().id)
        assert response.json()["code"] == "state-conflict"

    def test_under_way_is_what_the_request_answers(self, as_customer, catalog, monkeypatch):
        """The customer cancels while the request that places the order still asks catalog."""
        reserve = catalog.reserve

        def slow(order_id, lines):
            reservation = reserve(order_id, lines)
            cancel(as_customer, order_id)
            return reservation

        monkeypatch.setattr(catalog, "reserve", slow)
        response = place(as_customer, ("CHAIR", 2))
        assert response.status_code == 409
        assert response.json()["code"] == "state-conflict"
        assert Order.objects.get().status == "cancelled"
        assert catalog.available("CHAIR") == 5


class TestExpiry:
    def test_cancels_what_is_not_paid_in_time(self, order, outbox_events):
        expired = order.expires_at
        assert services.cancel_expired_orders(now=expired - timedelta(milliseconds=1)) == 0
        assert services.cancel_expired_orders(now=expired) == 1
        assert services.cancel_expired_orders(now=expired) == 0
        order.refresh_from_db()
        assert order.status == "cancelled"
        event = outbox_events(order.id)[-1]
        assert (event.type, event.data["reason"]) == ("order.cancelled", "not paid in time")
        assert OrderHistory.objects.get(to_status="cancelled").who == "job:expiry"

    def test_is_a_timed_job(self, order):
        tasks.cancel_expired_orders()
        order.refresh_from_db()
        assert order.status == "placed"
        Order.objects.update(expires_at=timezone.now())
        tasks.cancel_expired_orders()
        order.refresh_from_db()
        assert order.status == "cancelled"

    def test_spares_paid_orders(self, as_customer, order):
        pay(as_customer, order.id)
        assert services.cancel_expired_orders(now=order.expires_at) == 0

    def test_waits_for_a_payment_in_flight(self, as_customer, order):
        pay(as_customer, order.id, "tok_timeout")
        assert services.cancel_expired_orders(now=order.expires_at) == 0
        Payment.objects.update(settle_after=timezone.now())
        tasks.settle_payments()
        order.refresh_from_db()
        assert order.status == "paid"

    def test_keeps_the_answer_that_the_order_had(self, as_customer):
        first = place(as_customer, key="k")
        Order.objects.update(expires_at=timezone.now())
        tasks.cancel_expired_orders()
        assert place(as_customer, key="k").content == first.content
        assert IdempotencyRecord.objects.get().status == 201
