from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.order_service import services
from apps.order_service.models import Customer, Order, OrderHistory, SandboxCharge
from chassis.events import inbox
from chassis.ids import uuid7
from chassis.models import DenyEntry, InboxEvent
from tests.order_service.factories import pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def hear(deliver):
    user_id = uuid7()

    def send(name, email, /, sequence=1, **changes):
        data = {"user_id": str(user_id), "email": email, "name": "Ada", **changes}
        return deliver(name, data, str(user_id), sequence=str(sequence))

    return send


class TestCustomer:
    def test_is_remembered(self, hear):
        message = hear("user.registered", "ada@example.com")
        customer = Customer.objects.get()
        assert str(customer.user_id) == message["subject"]
        assert (customer.email, customer.name) == ("ada@example.com", "Ada")
        row = InboxEvent.objects.get()
        assert (row.consumer, row.effect) == ("order.remember_customer", "customer remembered")

    def test_is_updated(self, hear):
        hear("user.registered", "ada@example.com")
        hear("user.updated", "countess@example.com", 2, name="Ada King")
        customer = Customer.objects.get()
        assert (customer.email, customer.name) == ("countess@example.com", "Ada King")

    def test_is_not_set_back_by_a_registration_that_comes_late(self, hear):
        hear("user.updated", "countess@example.com", 2)
        hear("user.registered", "ada@example.com")
        assert Customer.objects.get().email == "countess@example.com"

    def test_is_not_set_back_by_a_change_that_comes_late(self, hear):
        hear("user.registered", "ada@example.com")
        hear("user.updated", "countess@example.com", 10)
        hear("user.updated", "ada@work.example", 9)
        assert Customer.objects.get().email == "countess@example.com"
        assert InboxEvent.objects.latest("id").effect == "older than what is known"

    def test_may_come_with_fields_that_are_not_used_here(self, hear):
        hear("user.registered", "ada@example.com", locale="nl")
        assert Customer.objects.count() == 1

    def test_may_have_a_long_name(self, hear):
        hear("user.registered", "ada@example.com", name="A" * 1000)
        assert InboxEvent.objects.get().dead_at is None


class TestUserWhoseRightsChanged:
    TIMES = ("2026-01-02T12:00:00.300000Z", "2026-01-02T12:00:01.700000Z")

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    @pytest.mark.parametrize(
        "names", [("user.role_changed", "user.deactivated"), ("user.deactivated",) * 2]
    )
    def test_is_denied_up_to_the_latest_change_in_whatever_order_it_is_heard(
        self, deliver, names, order
    ):
        user_id = uuid7()
        for at in order:
            data = {"user_id": str(user_id), "not_before": self.TIMES[at], "role": "staff"}
            deliver(names[at], data, str(user_id))
        entry = DenyEntry.objects.get()
        assert (entry.user_id, entry.not_before) == (user_id, datetime.fromisoformat(self.TIMES[1]))
        assert InboxEvent.objects.filter(consumer="order.deny_user", dead_at=None).count() == 2

    def test_is_denied_once_for_an_event_that_comes_twice(self, deliver):
        user_id = uuid7()
        data = {"user_id": str(user_id), "not_before": self.TIMES[0]}
        message = deliver("user.deactivated", data, str(user_id))
        inbox.receive(message)
        assert DenyEntry.objects.count() == 1
        assert InboxEvent.objects.filter(consumer="order.deny_user").count() == 1


class TestUserWhoIsDeactivated:
    def close_account(self, deliver, user_id):
        data = {"user_id": str(user_id), "not_before": "2026-01-02T12:00:00Z"}
        return deliver("user.deactivated", data, str(user_id))

    def test_loses_the_orders_that_are_not_paid(self, deliver, client_as, catalog, outbox_events):
        closed, other = client_as("customer"), client_as("customer")
        ids = {}
        for name in ("paid", "in flight", "placed", "pending"):
            catalog.down = name == "pending"
            place(closed)
            ids[name] = Order.objects.latest("id").id
        catalog.down = False
        pay(closed, ids["paid"])
        pay(closed, ids["in flight"], "tok_timeout")
        place(other)
        asked = catalog.asked.total()
        message = self.close_account(deliver, closed.user_id)
        found = {name: Order.objects.get(id=id_).status for name, id_ in ids.items()}
        assert found == {
            "paid": "paid",
            "in flight": "placed",
            "placed": "cancelled",
            "pending": "cancelled",
        }
        assert Order.objects.get(user_id=other.user_id).status == "placed"
        cancelled = [e.subject for e in outbox_events() if e.type == "order.cancelled"]
        assert cancelled == [str(ids["placed"]), str(ids["pending"])]
        row = InboxEvent.objects.get(consumer="order.cancel_unpaid_orders")
        assert row.effect == "orders cancelled: 2"
        assert (catalog.asked.total(), list(catalog.released)) == (asked, [])
        assert OrderHistory.objects.filter(who="job:deactivation").count() == 2
        inbox.receive(message)
        assert len(cancelled) == 2

    def test_loses_one_whose_payment_fails_when_its_time_is_over(self, deliver, as_customer):
        place(as_customer)
        order = Order.objects.get()
        pay(as_customer, order.id, "tok_timeout")
        self.close_account(deliver, as_customer.user_id)
        SandboxCharge.objects.update(succeeded=False)
        services.settle_payments(now=timezone.now() + timedelta(minutes=1))
        assert order.expires_at is not None
        assert services.cancel_expired_orders(now=order.expires_at) == 1
