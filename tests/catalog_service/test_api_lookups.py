"""What the order service is told of a cart's products."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog_service.models import Product, StockMovement
from tests.catalog_service.factories import product, reserve
from tests.catalog_service.problems import pointers, problem_of

pytestmark = pytest.mark.django_db

LOOKUP = "/internal/v1/products/lookup"


def look_up(client: Any, *lines: tuple[Any, Any]) -> Any:
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
    return client.post(LOOKUP, body)


def found(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    products: list[dict[str, Any]] = response.json()["products"]
    return products


@pytest.fixture
def lamp() -> Product:
    return product(
        on_hand=5, sku="LAMP", name="Lamp", price=Decimal("19.90"), image_url="/media/lamp.jpg"
    )


class TestLookup:
    def test_tells_what_the_public_sees(self, order, lamp, api):
        (line,) = found(look_up(order, ("LAMP", 2)))
        assert line == {
            "sku": "LAMP",
            "name": "Lamp",
            "slug": lamp.slug,
            "image_url": "/media/lamp.jpg",
            "unit_price": "19.90",
            "currency": "EUR",
            "available": 5,
            "in_stock": True,
            "enough": True,
        }
        public = api.get(f"/api/v1/catalog/products/{lamp.slug}").json()
        shared = line.keys() & public.keys()
        assert shared == line.keys() - {"unit_price", "enough"}
        assert {name: public[name] for name in shared} == {name: line[name] for name in shared}

    def test_keeps_the_order_of_the_lines(self, order):
        skus = [product(sku=sku).sku for sku in ("B", "C", "A")]
        assert [line["sku"] for line in found(look_up(order, *((sku, 1) for sku in skus)))] == skus

    def test_tells_no_more_than_the_cap_of_what_is_available(self, order, settings):
        settings.SHOWN_AVAILABLE = 10
        product(sku="MANY", on_hand=50)
        (line,) = found(look_up(order, ("MANY", 50)))
        assert (line["available"], line["enough"]) == (10, True)
        (line,) = found(look_up(order, ("MANY", 51)))
        assert (line["available"], line["enough"]) == (10, False)

    def test_counts_what_is_promised_to_others_as_gone(self, order, lamp):
        reserve(order, ("LAMP", 4))
        (line,) = found(look_up(order, ("LAMP", 2)))
        assert (line["available"], line["in_stock"], line["enough"]) == (1, True, False)
        reserve(order, ("LAMP", 1))
        (line,) = found(look_up(order, ("LAMP", 1)))
        assert (line["available"], line["in_stock"], line["enough"]) == (0, False, False)

    def test_adds_up_the_lines_of_one_sku(self, order, lamp):
        (line,) = found(look_up(order, ("LAMP", 3), ("LAMP", 3)))
        assert line["enough"] is False

    def test_leaves_out_what_is_not_for_sale(self, order, lamp):
        for status in ("draft", "archived"):
            product(sku=status, on_hand=1, status=status)
        lines = [("draft", 1), ("GHOST", 1), ("LAMP", 1), ("archived", 1), ("lamp", 1)]
        assert [line["sku"] for line in found(look_up(order, *lines))] == ["LAMP"]
        assert found(look_up(order, ("GHOST", 1))) == []

    def test_reserves_nothing(self, order, lamp):
        before = StockMovement.objects.count()
        look_up(order, ("LAMP", 5))
        assert StockMovement.objects.count() == before

    def test_is_one_query_however_many_lines(self, order):
        skus = [product().sku for _ in range(100)]
        for count in (1, 100):
            with CaptureQueriesContext(connection) as queries:
                assert len(found(look_up(order, *((sku, 1) for sku in skus[:count])))) == count
            assert len(queries) == 1

    @pytest.mark.parametrize("sku", ["'; DROP TABLE product; --", "é", "a/b", "x" * 64])
    def test_takes_any_text_as_a_sku(self, order, sku):
        assert found(look_up(order, (sku, 1))) == []


class TestRefusal:
    @pytest.mark.parametrize("count", [0, 101])
    def test_of_too_few_or_too_many_lines(self, order, count):
        assert pointers(look_up(order, *[("LAMP", 1)] * count)) == ["#/lines"]

    @pytest.mark.parametrize("quantity", [0, -1, 10_000, True, 1.0, "1", None, 2**63])
    def test_of_a_quantity_that_nobody_can_order(self, order, quantity):
        assert pointers(look_up(order, ("LAMP", quantity))) == ["#/lines/0/quantity"]

    @pytest.mark.parametrize("sku", ["", " ", "x" * 65, 1, None, []])
    def test_of_what_is_no_sku(self, order, sku):
        assert pointers(look_up(order, (sku, 1))) == ["#/lines/0/sku"]

    def test_of_a_caller_without_a_token(self, api):
        problem_of(look_up(api, ("LAMP", 1)), 401, "authentication-required")

    @pytest.mark.parametrize("role", ["customer", "staff", "admin"])
    def test_of_users(self, client_as, role):
        problem_of(look_up(client_as(role), ("LAMP", 1)), 401, "token-invalid")

    @pytest.mark.parametrize("scopes", ["", "events:read", "stock:reserved"])
    def test_of_a_service_without_the_scope(self, as_service, scopes):
        problem_of(look_up(as_service("order", scopes), ("LAMP", 1)), 403, "permission-denied")

    def test_of_another_method(self, order):
        problem_of(order.get(LOOKUP), 405, "method-not-allowed")
