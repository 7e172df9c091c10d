from datetime import datetime

import pytest

from apps.order_service.models import Customer
from chassis.events import inbox
from chassis.ids import uuid7
from chassis.models import DenyEntry, InboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def hear(deliver):
    user_id = uuid7()

    def send(name, email, /, **changes):
        data = {"user_id": str(user_id), "email": email, "name": "Ada", **changes}
        return deliver(name, data, str(user_id))

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
        hear("user.updated", "countess@example.com", name="Ada King")
        customer = Customer.objects.get()
        assert (customer.email, customer.name) == ("countess@example.com", "Ada King")

    def test_is_not_set_back_by_a_registration_that_comes_late(self, hear):
        hear("user.updated", "countess@example.com")
        hear("user.registered", "ada@example.com")
        assert Customer.objects.get().email == "countess@example.com"

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
        assert DenyEntry.objects.count() == InboxEvent.objects.count() == 1
