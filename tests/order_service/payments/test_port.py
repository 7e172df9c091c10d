"""What every provider must do, whoever it is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from apps.order_service import conf, payments
from apps.order_service.payments import PaymentRequest
from chassis.ids import uuid7
from chassis.rest import InsideTransaction

PROVIDERS = [payments.SANDBOX, payments.WEBHOOK]


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return payments.provider(request.param)


@pytest.fixture
def payment():
    age = timedelta(seconds=conf.AWAIT_OUTCOME_SECONDS)
    return PaymentRequest(uuid7(), Decimal("44.70"), "EUR", age=age)


@pytest.mark.django_db
class TestProvider:
    def test_says_the_same_when_it_is_asked_again(self, provider, payment):
        assert provider.charge(payment, "tok_ok") == provider.charge(payment, "tok_ok")
        assert provider.settle(payment) == provider.settle(payment)
        assert provider.refund(payment) == provider.refund(payment)

    def test_speaks_of_the_money_that_was_asked_for(self, provider, payment):
        outcome = provider.settle(payment)
        assert (outcome.amount, outcome.currency) == (payment.amount, payment.currency)

    def test_has_no_outcome_for_ever_after_a_payment_that_never_arrived(self, provider, payment):
        outcome = provider.settle(payment)
        assert not outcome.succeeded
        assert outcome.reason

    def test_keeps_nothing_of_a_token_that_pays(self, provider):
        assert provider.token_kind("4111111111111111") == "other"


@pytest.mark.django_db(transaction=True)
class TestOpenTransaction:
    def test_is_refused(self, provider, payment):
        calls = (lambda: provider.charge(payment, "tok_ok"), lambda: provider.settle(payment))
        for call in (*calls, lambda: provider.refund(payment)):
            with transaction.atomic(), pytest.raises(InsideTransaction):
                call()


class TestMethods:
    def test_are_the_sandbox_by_its_name_only_where_it_is_the_shops(self, settings):
        settings.PAYMENT_PROVIDER = "sandbox"
        assert payments.methods() == payments.METHODS == ("card", "sandbox")
        assert payments.provider_of("card") == payments.provider_of("sandbox") == "sandbox"
        settings.PAYMENT_PROVIDER = "webhook"
        assert payments.methods() == ("card",)
        assert payments.provider_of("card") == "webhook"


class TestWebhookProvider:
    @pytest.mark.django_db
    def test_waits_until_nobody_can_still_be_paying(self, payment):
        provider = payments.provider(payments.WEBHOOK)
        assert provider.charge(payment, "any") is None
        young = PaymentRequest(
            payment.payment_id, payment.amount, "EUR", age=payment.age - timedelta(seconds=1)
        )
        assert provider.settle(young) is None
        given_up = provider.settle(payment)
        assert given_up is not None
        assert given_up.reason == "The payment provider told nothing in time"

    def test_is_waited_for_longer_than_an_order_waits_to_be_paid_by_default(self):
        from settings.variables import VARIABLES

        (reservation,) = (v for v in VARIABLES if v.name == "RESERVATION_SECONDS")
        assert reservation.default < conf.AWAIT_OUTCOME_SECONDS
