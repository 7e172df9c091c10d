"""The payment provider's messages, from the outside: what is taken, what is refused, what it does."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.order_service import conf, services
from apps.order_service.models import (
    IdempotencyRecord,
    Order,
    OrderHistory,
    Payment,
    WebhookMessage,
)
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.order_service.factories import ORDERS, act, cancel, place
from tests.order_service.webhook import PATH, SECRET, body_of, send, tell

pytestmark = pytest.mark.django_db

OTHER = "whsec_" + "b" * 40


@pytest.fixture(autouse=True)
def provider(settings):
    settings.PAYMENT_PROVIDER = "webhook"
    settings.WEBHOOK_SECRETS = [SECRET]


def pay_by_card(client: Any, order_id: Any, key: str = "k") -> Any:
    return client.post(
        f"{ORDERS}/{order_id}/payments", {"token": "any"}, headers={"Idempotency-Key": key}
    )


@pytest.fixture
def payment(as_customer):
    order = place(as_customer).json()
    assert pay_by_card(as_customer, order["id"]).status_code == 202
    return Payment.objects.get()


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def state(payment: Payment) -> tuple[str, str]:
    payment.refresh_from_db()
    return payment.status, Order.objects.get(id=payment.order_id).status


class TestPayment:
    def test_is_pending_until_the_provider_tells_its_outcome(self, as_customer, payment):
        again = pay_by_card(as_customer, payment.order_id)
        assert again.status_code == 202
        assert again.json() == {"id": str(payment.id), "status": "pending"}
        assert payment.provider == "webhook"
        assert code_of(cancel(as_customer, payment.order_id)) == (409, "state-conflict")
        assert code_of(pay_by_card(as_customer, payment.order_id, "other")) == (
            *(409, "state-conflict"),
        )

    def test_that_succeeded_pays_the_order(self, api, payment, outbox_events):
        response = tell(api, "succeeded", payment, message_id="msg_1")
        assert (response.status_code, response.json()) == (
            *(200, {"effect": "the payment is succeeded"}),
        )
        assert state(payment) == ("succeeded", "paid")
        assert payment.provider_reference == "ch_1"
        assert outbox_events()[-1].type == "order.paid"
        assert OrderHistory.objects.get(to_status="paid").who == "provider:webhook"
        message = WebhookMessage.objects.get()
        assert (message.id, message.type, message.times) == ("msg_1", "payment.succeeded", 1)
        assert message.effect == response.json()["effect"]
        assert message.request_id == response["X-Request-ID"]

    def test_that_was_declined_leaves_the_order_to_be_paid(self, api, as_customer, payment):
        tell(api, "declined", payment, data={"reason": "no money"})
        assert state(payment) == ("declined", "placed")
        assert pay_by_card(as_customer, payment.order_id, "again").status_code == 202

    def test_is_given_up_after_a_while(self, payment):
        def after(seconds):
            at = payment.created_at + timedelta(seconds=seconds)
            return services.settle_payments(now=at)

        assert after(conf.AWAIT_OUTCOME_SECONDS - 1) == 0
        assert services.cancel_expired_orders(now=timezone.now() + timedelta(days=1)) == 0
        assert after(conf.AWAIT_OUTCOME_SECONDS) == 1
        assert state(payment) == ("declined", "placed")
        assert services.cancel_expired_orders(now=timezone.now() + timedelta(days=1)) == 1

    def test_whose_process_died_is_answered_by_the_job(self, as_customer, payment):
        IdempotencyRecord.objects.filter(payment=payment).update(
            status=None, answered_at=None, body=""
        )
        Payment.objects.update(settle_after=timezone.now())
        assert services.settle_payments(now=timezone.now()) == 0
        assert pay_by_card(as_customer, payment.order_id).json()["status"] == "pending"
        assert services.settle_payments(now=timezone.now() + timedelta(minutes=30)) == 0


class TestLateSuccess:
    """The provider tells of it after the payment was given up."""

    @pytest.fixture(autouse=True)
    def given_up(self, payment):
        services.settle_payments(now=timezone.now() + timedelta(days=1))
        assert state(payment) == ("declined", "placed")

    def test_pays_an_order_that_still_waits(self, api, payment, outbox_events):
        assert tell(api, "succeeded", payment).status_code == 200
        assert state(payment) == ("succeeded", "paid")
        assert outbox_events()[-1].type == "order.paid"

    def test_goes_back_where_the_order_is_cancelled(self, api, as_customer, payment, outbox_events):
        cancel(as_customer, payment.order_id)
        told = len(outbox_events())
        assert tell(api, "succeeded", payment).json() == {"effect": "the payment is refunding"}
        assert state(payment) == ("refunding", "cancelled")
        assert payment.provider_reference == "ch_1"
        assert len(outbox_events()) == told

    def test_goes_back_where_another_payment_is_under_way(self, api, as_customer, payment):
        pay_by_card(as_customer, payment.order_id, "again")
        other = Payment.objects.exclude(id=payment.id).get()
        tell(api, "succeeded", payment)
        assert state(payment) == ("refunding", "placed")
        tell(api, "succeeded", other)
        assert state(other) == ("succeeded", "paid")


class TestRefund:
    @pytest.fixture
    def owed(self, api, as_customer, payment):
        tell(api, "succeeded", payment)
        assert cancel(as_customer, payment.order_id).status_code == 200
        return payment

    def test_is_owed_until_the_provider_tells_that_it_was_made(self, api, owed):
        assert services.refund_payments(now=timezone.now() + timedelta(days=1)) == 0
        assert state(owed) == ("refunding", "cancelled")
        assert tell(api, "refunded", owed, data={"reference": "re_1"}).status_code == 200
        assert state(owed) == ("refunded", "cancelled")
        assert owed.refund_reference == "re_1"

    def test_does_nothing_twice(self, api, owed):
        tell(api, "refunded", owed)
        response = tell(api, "refunded", owed)
        assert response.json() == {"effect": "nothing: the payment was refunded before"}

    def test_that_nobody_asked_for_is_noted_and_owed_no_more(self, api, as_staff, payment):
        tell(api, "succeeded", payment)
        tell(api, "refunded", payment)
        assert state(payment) == ("refunded", "paid")
        assert act(as_staff, payment.order_id, "refund").status_code == 200
        assert state(payment) == ("refunded", "refunded")

    def test_that_nobody_asked_for_keeps_the_goods_here(self, api, as_staff, payment):
        tell(api, "succeeded", payment)
        tell(api, "refunded", payment)
        assert code_of(act(as_staff, payment.order_id, "ship")) == (409, "state-conflict")
        assert state(payment) == ("refunded", "paid")

    def test_told_before_the_success_leaves_the_order_to_be_paid(self, api, as_customer, payment):
        tell(api, "refunded", payment)
        assert state(payment) == ("refunded", "placed")
        tell(api, "succeeded", payment)
        assert state(payment) == ("refunded", "placed")
        assert pay_by_card(as_customer, payment.order_id, "again").status_code == 202


class TestMessage:
    def test_sent_anew_does_nothing_and_gets_the_same_answer(self, api, payment, outbox_events):
        first = tell(api, "succeeded", payment, message_id="m", ahead=-9)
        told = len(outbox_events())
        again = tell(api, "succeeded", payment, message_id="m")
        assert (again.status_code, again.json()) == (200, first.json())
        assert WebhookMessage.objects.get().times == 2
        assert len(outbox_events()) == told

    @pytest.mark.parametrize("seconds", [-10, 0], ids=["older", "same"])
    def test_that_came_before_is_refused(self, api, payment, seconds):
        at = int(time.time())
        tell(api, "declined", payment, message_id="m", at=at)
        response = tell(api, "declined", payment, message_id="m", at=at + seconds)
        assert code_of(response) == (409, "webhook-replayed")
        assert WebhookMessage.objects.get().times == 1

    def test_of_a_taken_id_that_tells_something_else_is_refused(self, api, payment):
        tell(api, "declined", payment, message_id="m", ahead=-9)
        response = tell(api, "succeeded", payment, message_id="m")
        assert code_of(response) == (409, "webhook-replayed")
        assert state(payment) == ("declined", "placed")

    def test_of_a_later_outcome_changes_nothing_that_is_settled(self, api, payment):
        tell(api, "succeeded", payment)
        response = tell(api, "declined", payment)
        assert response.json() == {"effect": "nothing: the payment was succeeded before"}
        assert state(payment) == ("succeeded", "paid")

    @pytest.mark.parametrize(
        "data", [{"amount": "44.69"}, {"amount": "44.71"}, {"currency": "USD"}], ids=str
    )
    @pytest.mark.parametrize("kind", ["succeeded", "declined", "refunded"])
    def test_of_other_money_is_refused_and_not_remembered(self, api, payment, kind, data):
        response = tell(api, kind, payment, message_id="m", data=data)
        assert code_of(response) == (422, "payment-mismatch")
        again = tell(api, kind, payment, message_id="m", data=data)
        assert code_of(again) == (422, "payment-mismatch")
        assert state(payment) == ("pending", "placed")
        assert WebhookMessage.objects.count() == 0
        entry = AuditEntry.objects.get(action="payment.mismatch", target_id=str(payment.id))
        assert entry.details["told"] != f"{payment.amount} {payment.currency}"

    def test_before_the_payment_is_there_is_taken_when_it_is_sent_anew(self, api, payment):
        early = Payment(id=uuid7(), amount=payment.amount, currency="EUR")
        assert code_of(tell(api, "succeeded", early, message_id="m", ahead=-9)) == (
            *(404, "not-found"),
        )
        IdempotencyRecord.objects.all().delete()
        Payment.objects.filter(id=payment.id).update(id=early.id)
        Order.objects.update(payment_in_flight=early.id)
        assert tell(api, "succeeded", early, message_id="m").status_code == 200
        assert state(Payment.objects.get()) == ("succeeded", "paid")

    def test_about_a_payment_of_the_sandbox_is_404(self, api, payment):
        Payment.objects.update(provider="sandbox")
        assert code_of(tell(api, "succeeded", payment)) == (404, "not-found")
        assert state(payment) == ("pending", "placed")

    def test_of_another_type_is_passed_over(self, api):
        for body in (b'{"type": "payment.disputed"}', b'{"type": "x", "data": 7}'):
            response = send(api, body)
            assert response.status_code == 200
        assert WebhookMessage.objects.count() == 0

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"{}", b'{"type": 7}', b'{"type": "payment.succeeded"}'],
    )
    def test_that_is_none_is_400(self, api, body):
        assert send(api, body).status_code == 400

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            ({"payment_id": 7}, "payment_id"),
            ({"payment_id": "7"}, "payment_id"),
            ({"amount": 44.7}, "amount"),
            ({"amount": "-44.70"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"currency": None}, "currency"),
            ({"currency": "EURO"}, "currency"),
            ({"reference": "r" * 201}, "reference"),
            ({"reference": "a\0b"}, None),
            ({"reason": 1}, "reason"),
        ],
        ids=range(10),
    )
    def test_with_other_data_than_described_is_400(self, api, payment, data, name):
        response = tell(api, "succeeded", payment, data=data)
        assert response.status_code == 400
        if name:
            pointers = [error["pointer"] for error in response.json()["errors"]]
            assert pointers == [f"#/data/{name}"]
        assert state(payment) == ("pending", "placed")

    def test_of_another_content_type_is_415(self, api, payment):
        response = tell(api, "succeeded", payment, content_type="text/plain")
        assert code_of(response) == (415, "unsupported-media-type")

    def test_that_is_too_long_is_413(self, api, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        assert code_of(send(api, b" " * 101)) == (413, "body-too-large")


class TestSender:
    def refused(self, response: Any, payment: Payment, code: str) -> None:
        assert code_of(response) == (401, code)
        assert response["WWW-Authenticate"]
        assert state(payment) == ("pending", "placed")
        assert WebhookMessage.objects.count() == 0

    def test_without_the_secret_is_refused(self, api, payment):
        response = tell(api, "succeeded", payment, secret=OTHER)
        self.refused(response, payment, "webhook-signature-invalid")

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    @pytest.mark.parametrize("value", ["", "x"], ids=["empty", "other"])
    def test_without_a_header_gets_the_same_answer(self, api, payment, name, value):
        response = tell(api, "succeeded", payment, **{name: value})
        self.refused(response, payment, "webhook-signature-invalid")

    def test_that_signs_nothing_gets_the_same_answer_whatever_the_body(self, api, payment):
        for body in (body_of("succeeded", payment), b"{", b""):
            response = api.generic("POST", PATH, body, content_type="application/json")
            self.refused(response, payment, "webhook-signature-invalid")

    def test_needs_no_token_and_gains_nothing_by_one(self, as_staff, payment):
        response = tell(as_staff, "succeeded", payment, secret=OTHER)
        self.refused(response, payment, "webhook-signature-invalid")

    @pytest.mark.parametrize("ahead", [-310, 310], ids=["late", "early"])
    def test_whose_time_is_over_is_refused(self, api, payment, ahead):
        response = tell(api, "succeeded", payment, ahead=ahead)
        self.refused(response, payment, "webhook-expired")

    def test_may_change_its_secret(self, api, payment, settings):
        settings.WEBHOOK_SECRETS = [OTHER, SECRET]
        assert tell(api, "declined", payment).status_code == 200
        assert tell(api, "declined", payment, secret=OTHER).status_code == 200

    def test_is_unknown_to_a_shop_without_secrets(self, api, payment, settings):
        settings.WEBHOOK_SECRETS = []
        assert code_of(tell(api, "succeeded", payment)) == (404, "not-found")
        assert state(payment) == ("pending", "placed")

    @pytest.mark.parametrize("method", ["get", "put", "delete"])
    def test_posts_and_nothing_else(self, api, method):
        assert getattr(api, method)(PATH).status_code == 405
