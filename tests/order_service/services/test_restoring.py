"""What order does after another service's database was restored to an earlier time."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from apps.order_service import services
from apps.order_service.models import Customer, KnownProduct, Order
from apps.order_service.services import restoring
from chassis.ids import uuid7
from chassis.rest import Broken
from tests.order_service.factories import cancel, place

pytestmark = pytest.mark.django_db(transaction=True)


def hour_ago():
    return timezone.now() - timedelta(hours=1)


def reserve_again(capsys, since=None):
    try:
        call_command("reserve_again", since=(since or hour_ago()).isoformat())
    except CommandError as error:
        return f"{capsys.readouterr().out}{error}"
    return capsys.readouterr().out


@pytest.fixture
def order(as_customer):
    """Return an order of five chairs, all there are."""
    return place(as_customer, ("CHAIR", 5)).json()


@pytest.fixture
def forgotten(order, catalog):
    """Return it, of whose reservation catalog does not know any more."""
    catalog.reservations.clear()
    catalog.stock("CHAIR", price="100.00", available=5)
    return order


class TestReserveAgain:
    def test_takes_what_the_order_was_promised(self, forgotten, catalog, capsys):
        assert reserve_again(capsys) == "Catalog knows the reservations of 1 order.\n"
        assert [str(one) for one in catalog.reservations] == [forgotten["id"]]
        assert catalog.available("CHAIR") == 0

    def test_takes_nothing_twice(self, order, catalog, capsys):
        assert reserve_again(capsys) == "Catalog knows the reservations of 1 order.\n"
        assert catalog.available("CHAIR") == 0

    def test_leaves_alone_what_was_placed_before(self, forgotten, catalog, capsys):
        told = reserve_again(capsys, since=timezone.now())
        assert told == "Catalog knows the reservations of 0 orders.\n"
        assert not catalog.reservations

    def test_passes_over_what_is_closed(self, as_customer, order, capsys):
        assert cancel(as_customer, order["id"]).status_code == 200
        assert reserve_again(capsys) == "Catalog knows the reservations of 1 order.\n"

    def test_tells_of_stock_that_is_short(self, forgotten, catalog, capsys):
        catalog.stock("CHAIR", price="100.00", available=3)
        number, order_id = forgotten["number"], forgotten["id"]
        assert reserve_again(capsys).splitlines() == [
            f"{number} {order_id} short: 5 of CHAIR, there are 3",
            "Catalog knows the reservations of 0 orders.",
            "The stock of 1 order cannot be had.",
        ]

    def test_tells_of_products_that_catalog_has_forgotten(self, forgotten, catalog, capsys):
        catalog.withdraw("CHAIR")
        assert f"{forgotten['id']} unknown: CHAIR" in reserve_again(capsys)

    def test_goes_on_behind_an_order_that_is_refused(self, forgotten, as_customer, catalog, capsys):
        catalog.reserve, reserve = refusing(forgotten["id"], catalog.reserve), catalog.reserve
        place(as_customer, ("LAMP", 1))
        told = reserve_again(capsys)
        catalog.reserve = reserve
        assert f"{forgotten['id']} refused: catalog answered 409" in told
        assert "Catalog knows the reservations of 1 order." in told

    def test_says_that_catalog_is_away(self, forgotten, catalog, capsys):
        catalog.down = True
        assert reserve_again(capsys).startswith("Stopped after 0 orders: ")

    def test_changes_nothing_of_the_order(self, forgotten, outbox_events, capsys):
        reserve_again(capsys)
        assert Order.objects.get(id=forgotten["id"]).status == "placed"
        assert [event.type for event in outbox_events(forgotten["id"])] == ["order.placed"]


def refusing(order_id, reserve):
    def answer(asked, lines):
        if str(asked) == order_id:
            raise Broken("catalog answered 409")
        return reserve(asked, lines)

    return answer


class TestForgetNumbers:
    def test_lets_a_lower_number_of_auth_be_newer(self):
        user = uuid4()
        told: dict[str, Any] = {"user_id": user, "email": "ada@souk.example"}
        services.remember_customer(**told, name="Lost", sequence=7)
        assert not services.remember_customer(**told, name="Ada", sequence=3)
        assert restoring.forget_numbers("auth") == 1
        assert services.remember_customer(**told, name="Ada", sequence=3)
        assert Customer.objects.get(user_id=user).name == "Ada"
        assert not services.remember_customer(**told, name="Old", sequence=2)

    @pytest.mark.parametrize(
        ("column", "told", "older"),
        [
            ("name", {"name": "Lamp", "slug": "lamp"}, {"name": "Lost", "slug": "lost"}),
            ("status", {"status": "active"}, {"status": "archived"}),
            (
                "currency",
                {"price": "1.00", "currency": "EUR"},
                {"price": "2.00", "currency": "USD"},
            ),
        ],
    )
    def test_lets_a_lower_number_of_catalog_be_newer(self, column, told, older):
        sku = f"T-{uuid7()}"
        now = timezone.now()
        services.learn_product(sku=sku, sequence=7, at=now, **older)
        assert restoring.forget_numbers("catalog") == 1
        services.learn_product(sku=sku, sequence=3, at=now, **told)
        services.learn_product(sku=sku, sequence=2, at=now, **older)
        assert getattr(KnownProduct.objects.get(sku=sku), column) == told[column]
