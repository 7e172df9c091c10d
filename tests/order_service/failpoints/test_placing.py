"""Every death of an order in the making: one order, one reservation, one answer."""

from decimal import Decimal
from uuid import UUID

import pytest

from apps.order_service import services
from apps.order_service.errors import CartEmpty
from apps.order_service.models import (
    CartItem,
    IdempotencyRecord,
    Order,
    OrderHistory,
    OrderLine,
)
from chassis import circuit
from chassis.models import OutboxEvent
from tests.failpoints import kill_after_each_step
from tests.order_service.failpoints.conftest import LAMPS
from tests.order_service.failpoints.customers import Customer, history, later, published

pytestmark = pytest.mark.django_db(transaction=True)


def release_ended(catalog):
    """Do what catalog does when it hears of orders that came to nothing."""
    for event in OutboxEvent.objects.filter(type__in=["order.rejected", "order.cancelled"]):
        catalog.release(UUID(event.subject))


def assert_nothing_leaked(catalog):
    """Show that catalog keeps stock for the placed orders, for each once, and for nothing else."""
    placed = Order.objects.filter(status="placed").values("id")
    assert set(catalog.reservations) == {row["id"] for row in placed}
    lamps = OrderLine.objects.filter(order__in=placed, sku="LAMP")
    assert catalog.available("LAMP") == LAMPS - sum(line.quantity for line in lamps)
    assert catalog.available("CHAIR") == 5


@pytest.fixture
def place(server):
    """Return a function that kills an order at each step, and yields what each came to."""

    def run(*lines, at_least, before=lambda customer: None, **changes):
        came_to = []

        def prepare():
            customer = Customer()
            before(customer)
            return customer

        def check(customer):
            server.answer_as_usual()
            circuit.forget()
            services.recover_orders(now=later())
            first = customer.place(*lines, **changes)
            assert customer.place(*lines, **changes) == first
            release_ended(server.catalog)
            assert_nothing_leaked(server.catalog)
            assert IdempotencyRecord.objects.filter(user_id=customer.user_id).count() == 1
            came_to.append((first.status, customer))

        kill_after_each_step(
            prepare, lambda customer: customer.place(*lines, **changes), check, at_least=at_least
        )
        return came_to

    return run


class TestPlacing:
    def test_makes_one_order_and_one_reservation(self, place):
        for status, customer in place(at_least=11):
            order = customer.order()
            assert (status, order.status, order.total) == (201, "placed", Decimal("44.70"))
            assert published(order) == ["order.placed"]
            assert history(order) == ["pending", "placed"]
            assert order.lines.count() == 1

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("line", "changes", "why"),
        [
            (("CHAIR", 6), {}, "out-of-stock"),
            (("NONE", 1), {}, "unknown-sku"),
            (("LAMP", 2), {"expected_total": Decimal("1.00")}, "price-changed"),
        ],
        ids=["out-of-stock", "unknown-sku", "price-changed"],
    )
    def test_that_is_refused_leaves_one_rejected_order(self, place, line, changes, why):
        for status, customer in place(line, at_least=10, **changes):
            order = customer.order()
            assert (status, order.status) == (422 if why == "unknown-sku" else 409, "rejected")
            assert published(order) == ["order.rejected"]
            assert history(order) == ["pending", "rejected"]
            assert OrderHistory.objects.get(order=order, to_status="rejected").why == why

    @pytest.mark.long
    def test_while_catalog_does_not_answer_makes_one_order(self, place, server):
        came_to = place(at_least=10, before=lambda _: server.answer_next(*[(500, {})] * 3))
        assert {status for status, _ in came_to} == {201, 202}
        services.recover_orders(now=later())
        for _, customer in came_to:
            order = customer.order()
            assert order.status == "placed"
            assert published(order) == ["order.placed"]

    @pytest.mark.long
    def test_beyond_the_limit_makes_no_order(self, place, settings):
        settings.OPEN_ORDERS_LIMIT = 1

        def fill(customer):
            customer.place(key="first")
            IdempotencyRecord.objects.filter(user_id=customer.user_id).delete()

        for status, customer in place(at_least=5, before=fill):
            assert status == 409
            assert published(customer.order()) == ["order.placed"]


@pytest.mark.long
class TestCheckout:
    """The lines are in the cart, or in an order; never in both, never in none."""

    @pytest.mark.parametrize(
        ("line", "status", "left"),
        [(("LAMP", 2), 201, []), (("CHAIR", 6), 409, [("CHAIR", 6)])],
        ids=["placed", "out-of-stock"],
    )
    def test_takes_the_lines_out_of_the_cart_once(self, server, line, status, left):
        sku, quantity = line

        def prepare():
            customer = Customer()
            CartItem.objects.create(user_id=customer.user_id, sku=sku, quantity=quantity)
            return customer

        def check_out(customer):
            return customer.place(from_cart=True)

        def check(customer):
            services.recover_orders(now=later())
            first = check_out(customer)
            assert check_out(customer) == first
            assert first.status == status
            order = customer.order()
            assert order.requested_lines == [{"sku": sku, "quantity": quantity, "position": 0}]
            cart = CartItem.objects.filter(user_id=customer.user_id)
            assert list(cart.values_list("sku", "quantity")) == left
            release_ended(server.catalog)
            assert_nothing_leaked(server.catalog)

        kill_after_each_step(prepare, check_out, check, at_least=12)

    def test_of_an_empty_cart_makes_nothing(self, server):
        def check_out(customer):
            with pytest.raises(CartEmpty):
                customer.place(from_cart=True)

        def check(customer):
            check_out(customer)
            assert not Order.objects.filter(user_id=customer.user_id).exists()
            assert not IdempotencyRecord.objects.filter(user_id=customer.user_id).exists()

        kill_after_each_step(Customer, check_out, check, at_least=3)


@pytest.mark.long
class TestRecovery:
    """A job that dies is run again a little later."""

    @pytest.fixture
    def recover(self, server):
        """Return a function that kills the job of a customer's pending order at each step."""

        def run(check, *, at_least, lines=(), **span):
            def prepare():
                server.answer_next((500, {}))
                customer = Customer()
                assert customer.place(*lines).status == 202
                circuit.forget()
                return customer

            def check_again(customer):
                services.recover_orders(now=later(hours=2) if span else later(minutes=2))
                release_ended(server.catalog)
                assert_nothing_leaked(server.catalog)
                check(customer.order())

            kill_after_each_step(
                prepare,
                lambda _: services.recover_orders(now=later(**span)),
                check_again,
                at_least=at_least,
            )

        return run

    def test_places_each_order_once(self, recover):
        def check(order):
            assert published(order) == ["order.placed"]
            assert history(order) == ["pending", "placed"]

        recover(check, at_least=8)

    def test_rejects_each_order_once(self, recover):
        def check(order):
            assert published(order) == ["order.rejected"]
            assert history(order) == ["pending", "rejected"]

        recover(check, lines=[("CHAIR", 6)], at_least=7)

    def test_that_gives_up_cancels_each_order_once(self, recover):
        def check(order):
            assert published(order) == ["order.cancelled"]
            assert history(order) == ["pending", "cancelled"]

        recover(check, hours=1, at_least=7)
