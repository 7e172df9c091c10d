"""What the HTTP API adds to the services: shapes, errors, and who may see what."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.order_service.models import Order
from chassis.ids import uuid7
from tests.order_service.factories import ADDRESS, ORDERS, cancel, order_body, pay, place

pytestmark = pytest.mark.django_db


def problem_of(response: Any, status: int, code: str) -> Any:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:souk:problem:{code}"
    assert problem["request_id"]
    return problem


def pointers(response: Any) -> list[str]:
    return [e["pointer"] for e in problem_of(response, 400, "validation-failed")["errors"]]


class TestErrorTable:
    """One row each of the table in the contract."""

    def test_missing_token_is_401(self, api):
        for response in (api.get(ORDERS), place(api), api.get(f"{ORDERS}/{uuid7()}")):
            problem_of(response, 401, "authentication-required")
            assert response["WWW-Authenticate"].startswith("Bearer")

    def test_bad_token_is_401(self, api, signing_key):
        api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
        problem_of(place(api), 401, "token-invalid")

    def test_token_of_a_service_is_401(self, as_service):
        problem_of(as_service("catalog").get(ORDERS), 401, "token-invalid")

    def test_wrong_role_is_403(self, as_customer, as_staff):
        order = place(as_customer).json()
        problem_of(pay(as_staff, order["id"]), 403, "permission-denied")

    def test_unknown_order_is_404(self, as_customer):
        for response in (
            as_customer.get(f"{ORDERS}/{uuid7()}"),
            cancel(as_customer, uuid7()),
            pay(as_customer, uuid7()),
        ):
            problem_of(response, 404, "not-found")

    @pytest.mark.parametrize("name", ["1", "none", "../users", "%00"])
    def test_no_id_is_404(self, as_customer, name):
        problem_of(as_customer.get(f"{ORDERS}/{name}"), 404, "not-found")

    def test_unknown_method_is_405(self, as_customer):
        problem_of(as_customer.put(ORDERS, {}), 405, "method-not-allowed")

    def test_other_content_type_is_415(self, as_customer):
        response = as_customer.generic(
            "POST", ORDERS, "a=1", content_type="application/x-www-form-urlencoded"
        )
        problem_of(response, 415, "unsupported-media-type")

    @pytest.mark.parametrize("body", ["{", '{"a": NaN}', '"\\ud800"', "[" * 100_000])
    def test_no_json_is_400(self, as_customer, body):
        response = as_customer.generic(
            "POST",
            ORDERS,
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        problem_of(response, 400, "body-malformed")

    @pytest.mark.parametrize("number", ["1" * 30, "1" * 5000, "1e400", "-0", "0.1e1"])
    def test_numbers_out_of_range_are_400(self, as_customer, number):
        response = as_customer.generic(
            "POST",
            ORDERS,
            f'{{"lines": [{{"sku": "LAMP", "quantity": {number}}}]}}',
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        assert response.status_code == 400

    @pytest.mark.parametrize("body", ["[]", "1", "null", '"text"', "true"])
    def test_no_object_is_400(self, as_customer, body):
        response = as_customer.generic(
            "POST",
            ORDERS,
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        problem_of(response, 400, "validation-failed")


class TestAnothersOrder:
    def test_looks_like_one_that_is_missing(self, as_customer, client_as):
        order = place(client_as("customer")).json()
        bodies = []
        for order_id in (order["id"], uuid7()):
            path = f"{ORDERS}/{order_id}"
            problem = as_customer.get(path).json()
            assert problem["instance"] == path
            bodies.append(problem | {"instance": "", "request_id": ""})
        assert bodies[0] == bodies[1]
        assert bodies[0]["status"] == 404

    def test_is_open_to_staff(self, as_customer, as_staff, as_admin):
        order = place(as_customer).json()
        for client in (as_staff, as_admin):
            assert client.get(f"{ORDERS}/{order['id']}").json() == order


class TestQuantity:
    @pytest.mark.parametrize(
        "quantity",
        [0, -1, 10000, 2**63, 10**30, True, False, None, 1.0, 1.5, 1e2, "3", "NaN", [], {}, [1]],
    )
    def test_is_an_integer_from_1_to_9999(self, as_customer, quantity):
        response = place(as_customer, ("LAMP", quantity))
        assert pointers(response) == ["#/lines/0/quantity"]
        assert Order.objects.count() == 0

    @pytest.mark.parametrize("quantity", [1, 9999])
    def test_may_be_either_end(self, as_customer, catalog, quantity):
        catalog.stock("LAMP", price="0.01", available=9999)
        assert place(as_customer, ("LAMP", quantity)).status_code == 201

    def test_of_one_sku_on_two_lines_is_at_most_9999(self, as_customer):
        response = place(as_customer, ("LAMP", 9999), ("CHAIR", 1), ("LAMP", 1))
        assert pointers(response) == ["#/lines/2/quantity"]


class TestLines:
    @pytest.mark.parametrize("lines", [[], None, {}, "LAMP", 1])
    def test_are_a_list_that_is_not_empty(self, as_customer, lines):
        assert pointers(place(as_customer, lines=lines)) == ["#/lines"]

    def test_are_at_most_100(self, as_customer, catalog):
        for index in range(101):
            catalog.stock(f"SKU-{index}", price="1.00")
        lines = [(f"SKU-{index}", 1) for index in range(101)]
        assert pointers(place(as_customer, *lines)) == ["#/lines"]
        assert place(as_customer, *lines[:100]).status_code == 201

    @pytest.mark.parametrize("sku", ["", "  ", None, 7, True, "S" * 65, []])
    def test_name_a_sku(self, as_customer, sku):
        assert pointers(place(as_customer, (sku, 1))) == ["#/lines/0/sku"]

    def test_point_at_each_fault(self, as_customer):
        response = place(as_customer, lines=[{"sku": "LAMP", "quantity": 1}, {}, "LAMP"])
        assert pointers(response) == ["#/lines/1/sku", "#/lines/1/quantity", "#/lines/2"]


class TestAddress:
    @pytest.mark.parametrize("name", ["name", "line1", "city", "postal_code", "country"])
    def test_needs_its_fields(self, as_customer, name):
        address = {key: value for key, value in ADDRESS.items() if key != name}
        response = place(as_customer, shipping_address=address)
        assert pointers(response) == [f"#/shipping_address/{name}"]

    @pytest.mark.parametrize("country", ["UK", "nl", "Nederland", "ZZ", "", 31])
    def test_names_a_country_by_its_code(self, as_customer, country):
        response = place(as_customer, shipping_address=ADDRESS | {"country": country})
        assert pointers(response) == ["#/shipping_address/country"]

    def test_is_needed(self, as_customer):
        body = order_body()
        del body["shipping_address"]
        response = as_customer.post(ORDERS, body, headers={"Idempotency-Key": "k"})
        assert pointers(response) == ["#/shipping_address"]

    def test_is_kept_without_what_it_does_not_have(self, as_customer):
        address = ADDRESS | {"line2": "2nd floor", "region": "", "phone": "1"}
        order = place(as_customer, shipping_address=address).json()
        assert order["shipping_address"] == ADDRESS | {"line2": "2nd floor", "region": ""}


class TestExpectedTotal:
    @pytest.mark.parametrize("total", [44.7, 44, "44,70", "NaN", "-1", "1.234", "", "1e3", True])
    def test_is_an_amount_as_a_string(self, as_customer, total):
        assert pointers(place(as_customer, expected_total=total)) == ["#/expected_total"]


class TestList:
    def ids(self, client: Any, query: str = "") -> list[str]:
        return [order["id"] for order in client.get(f"{ORDERS}{query}").json()["results"]]

    def test_holds_ones_own_newest_first(self, as_customer, client_as):
        place(client_as("customer"))
        placed = [place(as_customer).json() for _ in range(3)]
        page = as_customer.get(ORDERS).json()
        assert page["results"] == placed[::-1]
        assert (page["next"], page["previous"]) == (None, None)

    def test_holds_everyones_for_staff(self, client_as, as_staff):
        placed = [place(client_as("customer")).json()["id"] for _ in range(2)]
        assert self.ids(as_staff) == placed[::-1]

    def test_goes_on_by_cursor(self, as_customer):
        placed = [place(as_customer).json()["id"] for _ in range(5)][::-1]
        first = as_customer.get(f"{ORDERS}?limit=2").json()
        second = as_customer.get(first["next"]).json()
        back = as_customer.get(second["previous"]).json()
        assert [o["id"] for o in first["results"]] == placed[:2]
        assert [o["id"] for o in second["results"]] == placed[2:4]
        assert back["results"] == first["results"]

    def test_takes_the_same_queries_for_any_length(
        self, as_customer, django_assert_max_num_queries
    ):
        for _ in range(5):
            place(as_customer)
        with django_assert_max_num_queries(3):
            assert len(self.ids(as_customer)) == 5

    def test_is_filtered_by_status(self, as_customer):
        placed = [place(as_customer).json()["id"] for _ in range(3)]
        pay(as_customer, placed[0])
        cancel(as_customer, placed[1])
        assert self.ids(as_customer, "?status=paid") == placed[:1]
        assert self.ids(as_customer, "?status=cancelled") == placed[1:2]
        assert self.ids(as_customer, "?status=shipped") == []

    def test_is_filtered_by_time(self, as_customer):
        old, new = (place(as_customer).json()["id"] for _ in range(2))
        yesterday = timezone.now() - timedelta(days=1)
        Order.objects.filter(id=old).update(placed_at=yesterday)
        after = (yesterday + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert self.ids(as_customer, f"?placed_after={after}") == [new]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?status=lost", "#/status"),
            ("?placed_after=yesterday", "#/placed_after"),
            ("?placed_after=0001-01-01T00:00:00%2B23:00", "#/placed_after"),
            ("?limit=0", "#/limit"),
            ("?limit=101", "#/limit"),
            ("?cursor=x", "#/cursor"),
        ],
    )
    def test_refuses_other_parameters(self, as_customer, query, pointer):
        assert pointers(as_customer.get(f"{ORDERS}{query}")) == [pointer]


class TestDocument:
    def test_describes_every_order_that_is_answered(self, as_customer, catalog):
        """The serializers only describe: hold them against what is really answered."""
        from apps.order_service.serializers import OrderSerializer

        placed = place(as_customer).json()
        pay(as_customer, placed["id"])
        catalog.down = True
        pending = place(as_customer).json()
        paid = as_customer.get(f"{ORDERS}/{placed['id']}").json()
        for order in (placed, pending, paid):
            shape: Any = OrderSerializer()
            assert set(order) == set(shape.fields)
            for line in order["lines"]:
                assert set(line) == set(shape.fields["lines"].child.fields)
            for payment in order["payments"]:
                assert set(payment) == set(shape.fields["payments"].child.fields)
        assert json.dumps(paid).count('"succeeded"') == 1
