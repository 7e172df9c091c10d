"""Carts over HTTP: what is shown while catalog answers, and while it does not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.order_service.models import CartItem, KnownProduct
from chassis.ids import uuid7
from tests.order_service.carts import CART, cart_of, check_out, fill, item
from tests.order_service.test_api import pointers, problem_of

pytestmark = pytest.mark.django_db

TOTALS = ("subtotal", "shipping", "tax", "total")


def totals_of(cart: dict[str, Any]) -> list[str | None]:
    return [cart[name] for name in TOTALS]


def seen_at() -> datetime:
    seen = KnownProduct.objects.get().seen_at
    assert seen is not None
    return seen


def line_of(client: Any, sku: str) -> Any:
    return next(line for line in client.get(CART).json()["lines"] if line["sku"] == sku)


class TestCart:
    def test_shows_prices_stock_and_what_an_order_of_it_will_cost(self, as_customer):
        fill(as_customer, ("LAMP", 2), ("CHAIR", 6))
        response = as_customer.get(CART)
        cart = response.json()
        assert response.status_code == 200
        as_of = [datetime.fromisoformat(line.pop("as_of")) for line in cart["lines"]]
        assert abs(as_of[0] - timezone.now()) < timedelta(seconds=30)
        assert cart == {
            "lines": [
                {
                    "sku": "LAMP",
                    "name": "Lamp",
                    "slug": "lamp",
                    "image_url": "/media/LAMP.jpg",
                    "quantity": 2,
                    "unit_price": "19.90",
                    "line_total": "39.80",
                    "for_sale": True,
                    "available": 100,
                    "in_stock": True,
                    "enough": True,
                    "is_current": True,
                },
                {
                    "sku": "CHAIR",
                    "name": "Chair",
                    "slug": "chair",
                    "image_url": "/media/CHAIR.jpg",
                    "quantity": 6,
                    "unit_price": "100.00",
                    "line_total": "600.00",
                    "for_sale": True,
                    "available": 5,
                    "in_stock": True,
                    "enough": False,
                    "is_current": True,
                },
            ],
            "subtotal": "639.80",
            "shipping": "4.90",
            "tax": "0.00",
            "total": "644.70",
            "currency": "EUR",
            "is_current": True,
        }

    def test_costs_nothing_while_it_is_empty(self, as_customer, catalog, settings):
        settings.TAX_RATE = 1
        assert as_customer.get(CART).json() == {
            "lines": [],
            **dict.fromkeys(TOTALS, "0.00"),
            "currency": "EUR",
            "is_current": True,
        }
        assert catalog.look_ups == 0

    def test_has_the_total_that_an_order_to_the_country_expects(self, as_customer, settings):
        settings.TAX_RATES = {"NL": settings.TAX_RATE + 1}
        fill(as_customer)
        total = as_customer.get(f"{CART}?country=NL").json()["total"]
        assert total != as_customer.get(CART).json()["total"]
        assert check_out(as_customer, expected_total=total).status_code == 201

    @pytest.mark.parametrize("country", ["", "nl", "XX", "NLD", "%00"])
    def test_is_for_no_country_that_there_is_not(self, as_customer, country):
        for response in (
            as_customer.get(f"{CART}?country={country}"),
            as_customer.put(f"{item('LAMP')}?country={country}", {"quantity": 1}),
        ):
            assert pointers(response) == ["#/country"]
        assert CartItem.objects.count() == 0

    def test_is_each_users_own_whatever_their_role(self, as_customer, as_staff, as_admin):
        for number, client in enumerate((as_customer, as_staff, as_admin), start=1):
            fill(client, ("LAMP", number))
        for number, client in enumerate((as_customer, as_staff, as_admin), start=1):
            assert cart_of(client) == [("LAMP", number)]
        as_staff.delete(CART)
        assert cart_of(as_customer) == [("LAMP", 1)]

    def test_is_for_users_alone(self, api, as_service):
        for client, code in ((api, "authentication-required"), (as_service(), "token-invalid")):
            for response in (
                client.get(CART),
                client.delete(CART),
                client.put(item("LAMP"), {"quantity": 1}),
                client.delete(item("LAMP")),
                check_out(client),
            ):
                problem_of(response, 401, code)

    def test_asks_catalog_once_and_the_database_as_often_for_many_lines(self, as_customer, catalog):
        found = []
        for count in (1, 100):
            for number in range(count):
                catalog.stock(f"SKU-{number}", price="1.00")
                CartItem.objects.get_or_create(
                    user_id=as_customer.user_id, sku=f"SKU-{number}", quantity=1
                )
            as_customer.get(CART)
            asked = catalog.look_ups
            with CaptureQueriesContext(connection) as queries:
                assert len(as_customer.get(CART).json()["lines"]) == count
            assert catalog.look_ups == asked + 1
            found.append(len(queries))
        assert found == [2, 2]


class TestPutItem:
    def test_answers_the_cart(self, as_customer):
        response = fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        assert response.status_code == 200
        cart, shown = response.json(), as_customer.get(CART).json()
        for line in (*cart["lines"], *shown["lines"]):
            del line["as_of"]
        assert cart == shown
        assert cart["total"] == "124.80"

    def test_sets_the_quantity_and_keeps_the_place(self, as_customer):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1), ("LAMP", 9), ("LAMP", 9))
        assert cart_of(as_customer) == [("LAMP", 9), ("CHAIR", 1)]

    @pytest.mark.parametrize(
        "quantity",
        [0, -1, 10000, 2**63, 10**30, True, False, None, 1.0, 1.5, 1e9, "1", "NaN", [], {}],
    )
    def test_takes_an_integer_from_1_to_9999(self, as_customer, quantity):
        assert pointers(fill(as_customer, ("LAMP", quantity))) == ["#/quantity"]
        assert CartItem.objects.count() == 0

    @pytest.mark.parametrize("body", ["[]", "1", "null", "{}", '{"quantity": NaN}', "{"])
    def test_takes_an_object_with_a_quantity(self, as_customer, body):
        response = as_customer.generic("PUT", item("LAMP"), body, content_type="application/json")
        assert response.status_code == 400
        assert CartItem.objects.count() == 0

    @pytest.mark.parametrize("quantity", [1, 9999])
    def test_may_be_either_end(self, as_customer, quantity):
        fill(as_customer, ("LAMP", quantity))
        assert cart_of(as_customer) == [("LAMP", quantity)]

    def test_ignores_a_price(self, as_customer):
        body = {"quantity": 1, "unit_price": "0.01", "user_id": str(uuid7()), "sku": "CHAIR"}
        cart = as_customer.put(item("LAMP"), body).json()
        assert [(line["sku"], line["unit_price"]) for line in cart["lines"]] == [("LAMP", "19.90")]
        assert CartItem.objects.get().user_id == as_customer.user_id

    def test_refuses_what_catalog_does_not_sell(self, as_customer, catalog):
        problem = problem_of(fill(as_customer, ("GHOST", 1)), 422, "unknown-sku")
        assert problem["detail"] == "There is no such product: GHOST"
        fill(as_customer, ("LAMP", 1))
        catalog.withdraw("LAMP")
        problem_of(fill(as_customer, ("LAMP", 2)), 422, "unknown-sku")
        assert cart_of(as_customer) == [("LAMP", 1)]

    def test_takes_any_sku_while_catalog_is_down(self, as_customer, catalog):
        catalog.down = True
        assert fill(as_customer, ("GHOST", 1)).status_code == 200
        assert cart_of(as_customer) == [("GHOST", 1)]

    @pytest.mark.parametrize(
        "sku",
        ["x" * 65, "%C3%A9", "a%20b", "a/b", "a%2Fb", "-a", ".%2F", "%00", "%FF", "a;b"],
    )
    def test_refuses_what_no_product_is_called_also_while_catalog_is_down(
        self, as_customer, catalog, sku
    ):
        for catalog.down in (False, True):
            problem_of(fill(as_customer, (sku, 1)), 422, "unknown-sku")
            assert as_customer.delete(item(sku)).status_code == 204
        assert catalog.look_ups == 0

    @pytest.mark.parametrize("sku", ["x" * 64, "A.b_c:d-9", "9", "a%3Ab", "checkout"])
    def test_takes_what_a_product_may_be_called(self, as_customer, catalog, sku):
        catalog.stock(sku.replace("%3A", ":"), price="1.00")
        assert fill(as_customer, (sku, 1)).status_code == 200
        assert as_customer.delete(item(sku)).status_code == 204
        assert cart_of(as_customer) == []

    def test_takes_a_hundred_lines(self, as_customer, catalog):
        CartItem.objects.bulk_create(
            CartItem(user_id=as_customer.user_id, sku=f"SKU-{number}", quantity=1)
            for number in range(99)
        )
        assert fill(as_customer, ("LAMP", 1)).status_code == 200
        for catalog.down in (False, True):
            problem = problem_of(fill(as_customer, ("CHAIR", 1)), 409, "cart-full")
            assert problem["limit"] == 100
        catalog.down = False
        assert fill(as_customer, ("LAMP", 2)).status_code == 200


class TestDelete:
    def test_takes_one_product_out(self, as_customer):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        for _ in range(2):
            response = as_customer.delete(item("LAMP"))
            assert (response.status_code, response.content) == (204, b"")
        assert cart_of(as_customer) == [("CHAIR", 1)]

    def test_empties_the_cart(self, as_customer):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        for _ in range(2):
            response = as_customer.delete(CART)
            assert (response.status_code, response.content) == (204, b"")
        assert cart_of(as_customer) == []


class TestWithdrawnProduct:
    def test_stays_marked_and_costs_nothing(self, as_customer, catalog):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        catalog.withdraw("CHAIR")
        line = line_of(as_customer, "CHAIR")
        assert (line["name"], line["slug"]) == ("Chair", "chair")
        assert (line["for_sale"], line["is_current"]) == (False, True)
        assert (line["available"], line["in_stock"], line["enough"]) == (0, False, False)
        assert line["unit_price"] is line["line_total"] is None
        assert as_customer.get(CART).json()["total"] == "24.80"

    def test_alone_costs_nothing_at_all(self, as_customer, catalog):
        fill(as_customer, ("CHAIR", 1))
        catalog.withdraw("CHAIR")
        assert totals_of(as_customer.get(CART).json()) == ["0.00"] * 4


class TestWhileCatalogIsDown:
    def test_lines_are_as_catalog_last_told(self, as_customer, catalog):
        fill(as_customer, ("LAMP", 2), ("CHAIR", 6))
        before = as_customer.get(CART).json()
        catalog.down = True
        after = as_customer.get(CART).json()
        assert (before["is_current"], after["is_current"]) == (True, False)
        assert totals_of(after) == totals_of(before)
        for old, new in zip(before["lines"], after["lines"], strict=True):
            as_of = datetime.fromisoformat(new["as_of"])
            assert datetime.fromisoformat(old["as_of"]) - as_of < timedelta(minutes=1)
            changed = {name for name in old.keys() - {"as_of"} if old[name] != new[name]}
            # There may be more than the 5 that are shown.
            assert changed == {"is_current"} | ({"enough"} if old["sku"] == "CHAIR" else set())
            assert new["enough"] is (None if old["sku"] == "CHAIR" else True)

    def test_what_nobody_knows_is_null(self, as_customer, catalog):
        catalog.down = True
        fill(as_customer, ("LAMP", 2))
        cart = as_customer.get(CART).json()
        assert totals_of(cart) == [None] * 4
        (line,) = cart["lines"]
        known = {name: value for name, value in line.items() if value is not None}
        assert known == {"sku": "LAMP", "quantity": 2, "is_current": False}

    def test_what_a_product_was_archived_as_is_known(self, as_customer, catalog, deliver):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        data = {"product_id": str(uuid7()), "sku": "CHAIR"}
        deliver("product.archived", data, sequence="2")
        catalog.down = True
        line = line_of(as_customer, "CHAIR")
        assert (line["for_sale"], line["is_current"], line["name"]) == (False, False, "Chair")
        assert as_customer.get(CART).json()["total"] == "24.80"

    def test_nothing_in_stock_is_not_enough(self, as_customer, catalog):
        catalog.stock("CHAIR", price="100.00", available=0)
        fill(as_customer, ("CHAIR", 1))
        catalog.down = True
        line = line_of(as_customer, "CHAIR")
        assert (line["available"], line["in_stock"], line["enough"]) == (0, False, False)

    def test_a_price_in_another_currency_is_not_known(self, as_customer, catalog, settings):
        fill(as_customer, ("LAMP", 1))
        settings.SHOP_CURRENCY = "USD"
        cart = as_customer.get(CART).json()
        assert (cart["currency"], cart["is_current"], cart["total"]) == ("USD", False, None)
        assert cart["lines"][0]["unit_price"] is None


class TestWhatCatalogTells:
    def test_is_written_when_it_changes(self, as_customer, catalog):
        fill(as_customer, ("LAMP", 1))
        seen = seen_at()
        as_customer.get(CART)
        assert seen_at() == seen
        catalog.stock("LAMP", price="20.00", available=3, name="Lantern")
        as_customer.get(CART)
        known = KnownProduct.objects.get()
        assert (known.name, str(known.price), known.available) == ("Lantern", "20.00", 3)
        assert seen_at() > seen

    def test_is_written_anew_once_a_minute(self, as_customer):
        fill(as_customer, ("LAMP", 1))
        long_ago = timezone.now() - timedelta(minutes=2)
        KnownProduct.objects.update(seen_at=long_ago)
        as_customer.get(CART)
        assert seen_at() > long_ago

    def test_does_not_overrule_an_event(self, as_customer, catalog, deliver):
        deliver("product.created", created("LAMP", price="1.00", name="Told"))
        fill(as_customer, ("LAMP", 1))
        known = KnownProduct.objects.get()
        assert (known.name, str(known.price), known.available) == ("Told", "1.00", 100)
        assert line_of(as_customer, "LAMP")["unit_price"] == "19.90"


def created(sku: str, **changes: Any) -> dict[str, Any]:
    return {
        "product_id": str(uuid7()),
        "sku": sku,
        "slug": sku.lower(),
        "name": sku,
        "price": "1.00",
        "currency": "EUR",
        "status": "active",
        **changes,
    }
