"""The list of orders: whose, which, in which order, and at what cost."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from apps.order_service import selectors
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Customer, Order
from apps.order_service.selectors import OrderFilters
from chassis.ids import first_uuid7, uuid7
from tests.order_service import factories
from tests.order_service.factories import ORDERS, cancel, pay, place
from tests.order_service.test_api import pointers

pytestmark = pytest.mark.django_db


def ids(client: Any, query: str = "") -> list[str]:
    """Return the ids of a list's first page."""
    response = client.get(f"{ORDERS}{query}")
    assert response.status_code == 200, response.json()
    return [order["id"] for order in response.json()["results"]]


def at(time: datetime) -> str:
    """Return a time as a query holds it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def aged(days: float, *, placed_after: timedelta = timedelta(seconds=1)) -> Order:
    """Make an order that was begun so many days ago."""
    began = timezone.now() - timedelta(days=days)
    order_id = first_uuid7(began)
    factories.many_orders(1, first_id=order_id, created_at=began, placed_at=began + placed_after)
    return Order.objects.get(id=order_id)


class TestFilters:
    def test_take_several_statuses(self, as_customer):
        paid, cancelled, placed = (place(as_customer).json()["id"] for _ in range(3))
        pay(as_customer, paid)
        cancel(as_customer, cancelled)
        assert ids(as_customer, "?status=paid,placed") == [placed, paid]
        assert ids(as_customer, "?status=cancelled,cancelled") == [cancelled]

    @pytest.mark.parametrize("name", ["created", "placed"])
    def test_take_both_ends_of_a_time(self, as_staff, name):
        orders = {days: aged(days) for days in (3, 2, 1)}
        times = {days: getattr(order, f"{name}_at") for days, order in orders.items()}
        middle = str(orders[2].id)
        assert ids(as_staff, f"?{name}_after={at(times[3])}&{name}_before={at(times[1])}") == [
            middle
        ]
        just_before = at(times[2] - timedelta(microseconds=1))
        assert ids(as_staff, f"?{name}_after={just_before}&{name}_before={at(times[1])}") == [
            middle
        ]

    def test_find_what_was_placed_long_after_it_was_begun(self, as_staff):
        order = aged(3, placed_after=timedelta(hours=12))
        since = at(order.created_at + timedelta(hours=11))
        assert ids(as_staff, f"?placed_after={since}") == [str(order.id)]

    def test_take_a_whole_sku(self, as_customer):
        lamp = place(as_customer, ("LAMP", 1)).json()["id"]
        both = place(as_customer, ("CHAIR", 1), ("LAMP", 1)).json()["id"]
        assert ids(as_customer, "?sku=LAMP") == [both, lamp]
        assert ids(as_customer, "?sku=CHAIR") == [both]
        assert ids(as_customer, "?sku=LAM") == ids(as_customer, "?sku=lamp") == []

    def test_take_a_number_as_people_type_it(self, as_customer):
        place(as_customer)
        order = place(as_customer).json()
        for typed in (order["number"], order["number"].lower().replace("-", "")):
            assert ids(as_customer, f"?number={typed}") == [order["id"]]

    def test_take_the_beginning_of_an_address(self, as_staff, client_as):
        clients = [client_as("customer") for _ in range(3)]
        orders = [place(client).json()["id"] for client in clients]
        for client, email in zip(clients, ("Ada@x.org", "adam@x.org", "a_a@x.org"), strict=True):
            Customer.objects.create(user_id=client.user_id, email=email, name="")
        assert ids(as_staff, "?email=ADA") == [orders[1], orders[0]]
        assert ids(as_staff, "?email=ada@") == [orders[0]]
        assert ids(as_staff, "?email=a_a") == [orders[2]]
        assert ids(as_staff, "?email=%25") == []

    def test_take_a_user(self, as_staff, client_as):
        client = client_as("customer")
        order = place(client).json()["id"]
        place(client_as("customer"))
        assert ids(as_staff, f"?user_id={client.user_id}") == [order]

    def test_narrow_together(self, as_customer):
        paid = place(as_customer, ("CHAIR", 1)).json()["id"]
        place(as_customer, ("CHAIR", 1))
        pay(as_customer, paid)
        assert ids(as_customer, "?status=paid&sku=CHAIR") == [paid]
        assert ids(as_customer, "?status=paid&sku=LAMP") == []

    def test_never_widen_a_customers_list(self, as_customer, client_as):
        other = client_as("customer")
        theirs = place(other).json()
        Customer.objects.create(user_id=other.user_id, email="ada@x.org", name="")
        for query in (
            f"user_id={other.user_id}",
            "email=ada",
            f"number={theirs['number']}",
            "sku=LAMP",
            "status=placed",
        ):
            assert ids(as_customer, f"?{query}") == []

    def test_that_are_empty_are_as_good_as_none(self, as_customer):
        order = place(as_customer).json()["id"]
        assert ids(as_customer, "?status=&sku=&placed_after=&email=&colour=red") == [order]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("status=placed,", "#/status"),
            ("status=placed,lost", "#/status"),
            ("status=PLACED", "#/status"),
            ("created_before=2026-13-01", "#/created_before"),
            ("placed_before=1", "#/placed_before"),
            (f"sku={'S' * 65}", "#/sku"),
            ("sku=%00", "#/sku"),
            ("email=%00", "#/email"),
            (f"email={'e' * 255}", "#/email"),
            ("number=1", "#/number"),
            ("number=ABCD-EFGU", "#/number"),
            ("user_id=me", "#/user_id"),
        ],
    )
    def test_that_are_malformed_are_400(self, as_customer, query, pointer):
        assert pointers(as_customer.get(f"{ORDERS}?{query}")) == [pointer]

    @pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    @pytest.mark.parametrize(
        "name", ["created_after", "created_before", "placed_after", "placed_before"]
    )
    def test_take_the_first_and_the_last_time(self, as_customer, name, time):
        order = place(as_customer).json()["id"]
        holds_all = ("after" in name) == time.startswith("0001")
        assert ids(as_customer, f"?{name}={time}") == ([order] if holds_all else [])


class TestCursor:
    def test_goes_through_all_that_pass_the_filters(self, as_customer):
        wanted = [place(as_customer).json()["id"] for _ in range(5)][::-1]
        place(as_customer, ("CHAIR", 1))
        page = as_customer.get(f"{ORDERS}?limit=2&sku=LAMP").json()
        found = page["results"]
        while page["next"]:
            page = as_customer.get(page["next"]).json()
            found += page["results"]
        assert [order["id"] for order in found] == wanted

    def test_belongs_to_its_filters(self, as_customer):
        for _ in range(3):
            place(as_customer)
        following = as_customer.get(f"{ORDERS}?limit=2&status=placed").json()["next"]
        other = following.replace("status=placed", "status=paid")
        assert pointers(as_customer.get(other)) == ["#/cursor"]

    def test_of_another_user_shows_no_more_than_ones_own(self, as_customer, client_as):
        other = client_as("customer")
        for _ in range(3):
            place(other)
        mine = place(as_customer).json()["id"]
        following = other.get(f"{ORDERS}?limit=1").json()["next"]
        found = [order["id"] for order in as_customer.get(following).json()["results"]]
        assert set(found) <= {mine}


class TestPage:
    def test_takes_three_queries_however_many_it_holds(self, as_staff, django_assert_num_queries):
        factories.many_orders(100)
        for limit in (1, 100):
            with django_assert_num_queries(3):
                assert len(ids(as_staff, f"?limit={limit}&status=placed")) == limit

    def test_reads_an_index_whatever_the_filter(self):
        factories.many_orders(2000)
        Customer.objects.bulk_create(
            Customer(user_id=uuid7(), email=f"user-{n}@souk.example", name="") for n in range(2000)
        )
        with connection.cursor() as cursor:
            # What earlier tests left in the list of what is yet to be indexed would cost more than the index.
            cursor.execute("SELECT gin_clean_pending_list('orders_lines')")
            cursor.execute("ANALYZE orders, customer")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        expected: list[tuple[str, dict[str, Any]]] = [
            ("orders_by_status", {"statuses": [OrderStatus.REFUNDED]}),
            ("orders_lines", {"sku": "RARE"}),
            ("orders_number", {"number": "0000-0001"}),
            ("customer_email_prefix", {"email": "ada"}),
            ("orders_of_user", {"user_id": UUID(int=7)}),
            ("orders_pkey", {"created_before": long_ago}),
            ("orders_p", {"placed_before": long_ago}),  # orders_placed or orders_pkey
        ]
        for index, filters in expected:
            everyones = selectors.visible_orders(user_id=uuid7(), is_staff=True)
            page = selectors.filter_orders(everyones, OrderFilters(**filters)).order_by("-id")
            plan = page[:21].explain()
            assert index in plan, plan
            assert "Seq Scan on orders" not in plan
