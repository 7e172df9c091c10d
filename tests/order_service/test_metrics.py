from datetime import timedelta

import pytest
from django.utils import timezone

from apps.order_service.models import Order
from apps.order_service.selectors import figures
from apps.order_service.services import counting
from tests.order_service.factories import cancel, pay, place

pytestmark = pytest.mark.django_db(transaction=True)


def count(api, status):
    """Return how many requests to place an order this process says it answered so."""
    lines = api.get("/internal/v1/metrics").content.decode().splitlines()
    name = f'souk_order_requests_total{{status="{status}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


class TestOrderRequests:
    @pytest.mark.parametrize(
        ("status", "line", "down"),
        [
            pytest.param(201, ("LAMP", 1), False, id="placed"),
            pytest.param(202, ("LAMP", 1), True, id="pending"),
            pytest.param(409, ("CHAIR", 6), False, id="short"),
        ],
    )
    def test_are_counted_by_the_status_of_their_answer(
        self, as_customer, catalog, status, line, down
    ):
        before = count(as_customer, status)
        catalog.down = down
        assert place(as_customer, line).status_code == status
        assert count(as_customer, status) == before + 1


class TestOrders:
    def test_are_counted_by_each_status_that_they_come_to(self, as_customer, catalog):
        def counted():
            samples = (counter.collect() for counter in (counting._ORDERS, counting._PAYMENTS))
            return {
                (family.name, sample.labels["status"]): sample.value
                for families in samples
                for family in families
                for sample in family.samples
            }

        before = counted()
        paid, declined = (place(as_customer, ("LAMP", 1)).json()["id"] for _ in range(2))
        pay(as_customer, paid)
        pay(as_customer, declined, "tok_declined")
        cancel(as_customer, declined)
        added = {key: value - before.get(key, 0) for key, value in counted().items()}
        assert {key: value for key, value in added.items() if value} == {
            ("souk_orders", "pending"): 2,
            ("souk_orders", "placed"): 2,
            ("souk_orders", "paid"): 1,
            ("souk_orders", "cancelled"): 1,
            ("souk_payments", "succeeded"): 1,
            ("souk_payments", "declined"): 1,
        }

    def test_that_wait_are_told_by_their_age(self, as_customer, catalog):
        assert set(figures.read().values()) == {0}
        catalog.down = True
        order_id = place(as_customer, ("LAMP", 1)).json()["id"]
        Order.objects.filter(id=order_id).update(created_at=timezone.now() - timedelta(hours=1))
        told = figures.read()
        assert told.keys() == figures.HELP.keys()
        assert 3600 <= told["souk_orders_pending_oldest_seconds"] < 3700
        assert told["souk_payments_open_oldest_seconds"] == 0
