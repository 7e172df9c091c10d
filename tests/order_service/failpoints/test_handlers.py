"""Every death of a worker while it handles an event: delivered again, the event has one effect."""

from decimal import Decimal

import msgspec
import pytest

from apps.order_service import services
from apps.order_service.models import Customer as KnownCustomer
from apps.order_service.models import KnownProduct
from chassis.events import declarations, inbox, outbox
from chassis.ids import uuid7
from chassis.models import DenyEntry, OutboxEvent
from tests.conftest import envelope
from tests.failpoints import kill_handlers, kill_mail_handler
from tests.order_service.failpoints.customers import STAFF, Customer, history, later, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

NOT_BEFORE = "2026-01-02T12:00:00Z"


def of_user(name, /, **data):
    """Return an event of a new user."""
    user_id = str(uuid7())
    return envelope(name, {"user_id": user_id, **data}, user_id)


def of_product(name, /, **data):
    """Return an event of a new product."""
    sku = f"SKU-{uuid7()}"
    return envelope(name, {"sku": sku, **data}, sku)


def person():
    return {"email": f"{uuid7()}@shop.example", "name": "Ada"}


def customer_of(message):
    return KnownCustomer.objects.get(user_id=message["subject"])


def product_of(message):
    return KnownProduct.objects.get(sku=message["subject"])


USERS = {
    "user.registered": (lambda: of_user("user.registered", **person()), customer_of),
    "user.updated": (lambda: of_user("user.updated", **person()), customer_of),
    "user.role_changed": (
        lambda: of_user("user.role_changed", not_before=NOT_BEFORE, role="staff"),
        lambda message: DenyEntry.objects.get(user_id=message["subject"]),
    ),
}
PRODUCTS = {
    "product.created": {
        "slug": "lamp",
        "name": "Lamp",
        "price": "19.90",
        "currency": "EUR",
        "status": "active",
    },
    "product.updated": {"slug": "lamp", "name": "Lamp", "status": "active"},
    "product.price_changed": {"old_price": "9.90", "new_price": "19.90", "currency": "EUR"},
    "product.archived": {},
}
MAILS = {
    "order.placed": "We have your order",
    "order.paid": "is paid",
    "order.shipped": "is on its way",
    "order.delivered": "was delivered",
    "order.cancelled": "is cancelled",
    "order.refunded": "Refund for",
    "order.rejected": "could not be placed",
}


STAGES = {
    "order.paid": "paid",
    "order.shipped": "shipped",
    "order.delivered": "shipped",
    "order.refunded": "paid",
}


class TestUser:
    @pytest.mark.parametrize("name", USERS)
    def test_is_known_once(self, name):
        prepare, find = USERS[name]
        kill_handlers(prepare, find, at_least=3)

    def test_who_leaves_has_each_unpaid_order_cancelled_once(self, customer_with):
        def prepare():
            user_id = str(customer_with("placed").user_id)
            return envelope(
                "user.deactivated", {"user_id": user_id, "not_before": NOT_BEFORE}, user_id
            )

        def check(message):
            order = Customer(message["subject"]).order()
            assert published(order) == ["order.placed", "order.cancelled"]
            assert history(order) == ["pending", "placed", "cancelled"]
            assert DenyEntry.objects.filter(user_id=message["subject"]).count() == 1

        kill_handlers(prepare, check, at_least=8)


class TestProduct:
    @pytest.mark.parametrize("name", PRODUCTS)
    def test_is_known_once(self, name):
        def check(message):
            product = product_of(message)
            assert "price" not in PRODUCTS[name] or product.price == Decimal("19.90")

        kill_handlers(lambda: of_product(name, **PRODUCTS[name]), check, at_least=3)


@pytest.fixture
def announced(customer_with, catalog):
    """Return a function that brings a known customer's order to a status; it returns the event.

    Those before it are handled already: a mail waits for them.
    """

    def make(name):
        if name == "order.rejected":
            catalog.down = True
            customer = Customer()
            customer.place(("CHAIR", 6))
            catalog.down = False
            services.recover_orders(now=later())
        else:
            customer = customer_with(STAGES.get(name, "placed"))
        order_id = customer.order().id
        if name == "order.delivered":
            services.deliver_order(order_id=order_id, who=STAFF)
        elif name == "order.cancelled":
            services.cancel_order(order_id=order_id, who=STAFF, reason="no")
        elif name == "order.refunded":
            services.refund_order(order_id=order_id, who=STAFF, reason="broken")
        KnownCustomer.objects.create(
            user_id=customer.user_id, email=f"{customer.user_id}@shop.example", name="Ada"
        )
        rows = list(OutboxEvent.objects.filter(subject=str(order_id)).order_by("sequence"))
        while rows[-1].type != name:
            rows.pop()
        *before, message = (msgspec.to_builtins(outbox.envelope_of(row)) for row in rows)
        for earlier in before:
            inbox.receive(earlier)
        return message

    return make


class TestMail:
    @pytest.mark.parametrize("name", MAILS)
    def test_goes_out_once(self, announced, mail_folder, name):
        kill_mail_handler(lambda: announced(name), mail_folder, subject=MAILS[name], at_least=5)


class TestCoverage:
    def test_is_of_every_event_that_the_service_handles(self):
        assert {*USERS, *PRODUCTS, *MAILS, "user.deactivated"} == set(declarations.consumed())
