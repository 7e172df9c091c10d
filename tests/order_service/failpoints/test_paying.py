"""Every death of a payment: the money is taken once, and given back once."""

import pytest

from apps.order_service import services
from apps.order_service.models import Payment, SandboxCharge
from apps.order_service.payments import MessageType
from tests.failpoints import kill_after_each_step
from tests.order_service.failpoints.customers import STAFF, Customer, history, later, published

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pay(customer_with):
    """Return a function that kills a payment at each step, and yields what each came to."""

    def run(token, *, at_least):
        came_to = []

        def check(customer):
            services.settle_payments(now=later())
            first = customer.pay(token)
            assert customer.pay(token) == first
            services.settle_payments(now=later())
            assert not Payment.objects.filter(status__in=["pending", "unknown"]).exists()
            order = customer.order()
            assert order.payment_in_flight is None
            assert customer.charges() == (order.status == "paid")
            came_to.append((first.status, customer))

        kill_after_each_step(
            lambda: customer_with("placed"),
            lambda customer: customer.pay(token),
            check,
            at_least=at_least,
        )
        return came_to

    return run


class TestPaying:
    def test_takes_the_money_once(self, pay):
        came_to = pay("tok_ok", at_least=12)
        # Void is a payment that the provider never heard of: nothing was taken, and one pays anew.
        assert {status for status, _ in came_to} == {201, 402}
        assert sum(status == 201 for status, _ in came_to) > len(came_to) / 2
        for status, customer in came_to:
            if status == 402:
                assert customer.pay(key="again").status == 201
            order = customer.order()
            assert (order.status, customer.charges()) == ("paid", 1)
            assert published(order) == ["order.placed", "order.paid"]
            assert history(order) == ["pending", "placed", "paid"]

    @pytest.mark.long
    def test_that_is_declined_takes_none_and_leaves_the_order_to_be_paid(self, pay):
        for status, customer in pay("tok_declined", at_least=10):
            assert (status, customer.charges()) == (402, 0)
            assert customer.pay(key="again").status == 201
            assert published(customer.order()) == ["order.placed", "order.paid"]

    @pytest.mark.long
    def test_without_an_answer_takes_it_once_too(self, pay):
        for status, customer in pay("tok_timeout", at_least=10):
            if status == 402:
                assert customer.pay(key="again").status == 201
            order = customer.order()
            assert (order.status, customer.charges()) == ("paid", 1)
            assert published(order) == ["order.placed", "order.paid"]


@pytest.mark.long
class TestJob:
    """A job that dies is run again a little later."""

    def test_that_settles_writes_each_outcome_once(self):
        def prepare():
            customer = Customer()
            customer.place()
            assert customer.pay("tok_timeout").status == 202
            return customer

        def check(customer):
            services.settle_payments(now=later(minutes=2))
            order = customer.order()
            assert (order.status, customer.charges()) == ("paid", 1)
            assert published(order) == ["order.placed", "order.paid"]
            assert history(order) == ["pending", "placed", "paid"]

        kill_after_each_step(
            prepare, lambda _: services.settle_payments(now=later()), check, at_least=8
        )

    def test_that_gives_money_back_gives_it_once(self, customer_with):
        def prepare():
            customer = customer_with("paid")
            services.refund_order(order_id=customer.order().id, who=STAFF, reason="broken")
            return customer

        def check(customer):
            services.refund_payments(now=later(minutes=2))
            payment = Payment.objects.get(order=customer.order())
            assert (payment.status, payment.refund_after) == ("refunded", None)
            assert SandboxCharge.objects.get(payment_id=payment.id).refunded
            assert published(customer.order()) == ["order.placed", "order.paid", "order.refunded"]

        kill_after_each_step(
            prepare, lambda _: services.refund_payments(now=later()), check, at_least=3
        )


@pytest.mark.long
class TestProvidersMessage:
    """Whoever sent it got no answer, and sends it again with a later time."""

    @pytest.fixture
    def awaiting(self, settings):
        """Return a function that makes a customer whose payment the provider is to tell of."""
        settings.PAYMENT_PROVIDER = "webhook"

        def make():
            customer = Customer()
            customer.place()
            assert customer.pay(method="card").status == 202
            return customer

        return make

    def tell(self, customer, kind, **span):
        payment = Payment.objects.get(order=customer.order())
        message = services.Message(
            id=f"{kind}-{payment.id}",
            sent_at=later(**span),
            type=kind,
            payment_id=payment.id,
            amount=payment.amount,
            currency=payment.currency,
            reference="reference",
        )
        return services.take_message(message)

    def test_of_a_success_pays_the_order_once(self, awaiting):
        def check(customer):
            told = self.tell(customer, MessageType.SUCCEEDED)
            assert self.tell(customer, MessageType.SUCCEEDED, minutes=2) == told
            order = customer.order()
            assert (order.status, order.payment_in_flight) == ("paid", None)
            assert published(order) == ["order.placed", "order.paid"]
            assert history(order) == ["pending", "placed", "paid"]
            assert customer.pay(method="card").status in {201, 202}

        kill_after_each_step(
            awaiting,
            lambda customer: self.tell(customer, MessageType.SUCCEEDED, seconds=0),
            check,
            at_least=8,
        )

    def test_of_a_refund_is_noted_once(self, awaiting):
        def prepare():
            customer = awaiting()
            self.tell(customer, MessageType.SUCCEEDED, seconds=0)
            services.refund_order(order_id=customer.order().id, who=STAFF, reason="broken")
            return customer

        def check(customer):
            told = self.tell(customer, MessageType.REFUNDED)
            assert self.tell(customer, MessageType.REFUNDED, minutes=2) == told
            payment = Payment.objects.get(order=customer.order())
            assert (payment.status, payment.refund_reference) == ("refunded", "reference")
            assert published(customer.order()) == ["order.placed", "order.paid", "order.refunded"]

        kill_after_each_step(
            prepare,
            lambda customer: self.tell(customer, MessageType.REFUNDED, seconds=0),
            check,
            at_least=5,
        )
