from decimal import Decimal

import pytest

from apps.order_service.models import SandboxCharge
from apps.order_service.payments import Outcome, OutcomeUnknown, PaymentRequest
from apps.order_service.payments.sandbox import Sandbox
from chassis.ids import uuid7

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment():
    return PaymentRequest(uuid7(), Decimal("44.70"), "EUR")


class TestSandbox:
    def test_takes_the_money_of_a_good_token(self, payment):
        assert Sandbox().charge(payment, "tok_ok") == Outcome(
            succeeded=True,
            reference=f"sandbox-{payment.payment_id}",
            amount=Decimal("44.70"),
            currency="EUR",
        )

    @pytest.mark.parametrize(
        ("token", "reason"),
        [("tok_declined", "The card was declined"), ("tok_x", "The token is not known")],
    )
    def test_declines_others(self, payment, token, reason):
        outcome = Sandbox().charge(payment, token)
        assert (outcome.succeeded, outcome.reason) == (False, reason)

    def test_takes_the_money_and_says_nothing(self, payment):
        with pytest.raises(OutcomeUnknown):
            Sandbox().charge(payment, "tok_timeout")
        assert Sandbox().settle(payment).succeeded

    def test_books_a_payment_once(self, payment):
        first = Sandbox().charge(payment, "tok_declined")
        assert Sandbox().charge(payment, "tok_ok") == first
        assert SandboxCharge.objects.count() == 1

    def test_voids_a_payment_that_never_arrived(self, payment):
        assert not Sandbox().settle(payment).succeeded
        assert not Sandbox().charge(payment, "tok_ok").succeeded

    def test_gives_the_money_back_once(self, payment):
        Sandbox().charge(payment, "tok_ok")
        first = Sandbox().refund(payment)
        assert first == Sandbox().refund(payment) == f"sandbox-refund-{payment.payment_id}"
        assert SandboxCharge.objects.get().refunded

    def test_gives_nothing_back_that_it_has_not_taken(self, payment):
        with pytest.raises(OutcomeUnknown):
            Sandbox().refund(payment)
        Sandbox().charge(payment, "tok_declined")
        with pytest.raises(OutcomeUnknown):
            Sandbox().refund(payment)
        assert not SandboxCharge.objects.get().refunded

    @pytest.mark.parametrize(
        ("token", "kind"), [("tok_ok", "tok_ok"), ("4111111111111111", "other")]
    )
    def test_says_what_may_be_kept_of_a_token(self, token, kind):
        assert Sandbox().token_kind(token) == kind
