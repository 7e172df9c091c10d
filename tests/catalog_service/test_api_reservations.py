"""Reservations over HTTP, as the order service asks for them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.catalog_service.models import Product, Reservation, ReservationLine, StockMovement
from apps.catalog_service.services import products
from chassis.ids import uuid7
from tests.catalog_service.factories import (
    ledger_of,
    product,
    reservation_path,
    reserve,
    stock_of,
)
from tests.catalog_service.problems import pointers, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp() -> Product:
    return product(on_hand=5, sku="LAMP", name="Lamp", price=Decimal("19.90"))


@pytest.fixture
def chair() -> Product:
    return product(on_hand=2, sku="CHAIR", name="Chair", price=Decimal("100.00"))


class TestPut:
    def test_promises_price_and_stock(self, order, lamp, chair, settings):
        settings.RESERVATION_SECONDS = 600
        order_id = uuid7()
        response = reserve(order, ("LAMP", 2), ("CHAIR", 1), order_id=order_id)
        assert response.status_code == 201
        answer = response.json()
        expires_at = datetime.fromisoformat(answer.pop("expires_at"))
        assert abs(expires_at - timezone.now() - timedelta(seconds=600)) < timedelta(seconds=30)
        assert answer == {
            "order_id": str(order_id),
            "lines": [
                {
                    "sku": "LAMP",
                    "name": "Lamp",
                    "quantity": 2,
                    "unit_price": "19.90",
                    "currency": "EUR",
                },
                {
                    "sku": "CHAIR",
                    "name": "Chair",
                    "quantity": 1,
                    "unit_price": "100.00",
                    "currency": "EUR",
                },
            ],
        }
        assert (stock_of(lamp), stock_of(chair)) == ((5, 2), (2, 1))
        assert (ledger_of(lamp), ledger_of(chair)) == ((5, 2), (2, 1))

    def test_repeated_answers_the_same_and_takes_nothing_more(self, order, lamp):
        order_id = uuid7()
        first = reserve(order, ("LAMP", 2), order_id=order_id)
        values = {"price": Decimal("1.00"), "name": "New", "status": "archived"}
        products.update_product(slug=lamp.slug, values=values, by=None)
        second = reserve(order, ("LAMP", 2), order_id=order_id)
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.content == second.content
        assert stock_of(lamp) == ledger_of(lamp) == (5, 2)

    def test_adds_up_lines_of_one_sku(self, order, lamp, chair):
        order_id = uuid7()
        lines = [("LAMP", 2), ("CHAIR", 1), ("LAMP", 1)]
        response = reserve(order, *lines, order_id=order_id)
        assert [(line["sku"], line["quantity"]) for line in response.json()["lines"]] == [
            ("LAMP", 3),
            ("CHAIR", 1),
        ]
        assert stock_of(lamp) == (5, 3)
        assert reserve(order, *lines, order_id=order_id).status_code == 200
        other_way = reserve(order, ("CHAIR", 1), ("LAMP", 3), order_id=order_id)
        assert other_way.content == response.content

    def test_takes_all_lines_or_none(self, order, lamp, chair):
        order_id = uuid7()
        response = reserve(
            order, ("LAMP", 1), ("CHAIR", 2), ("CHAIR", 1), ("LAMP", 6), order_id=order_id
        )
        problem = problem_of(response, 409, "out-of-stock")
        assert problem["lines"] == [
            {"sku": "LAMP", "requested": 7, "available": 5},
            {"sku": "CHAIR", "requested": 3, "available": 2},
        ]
        assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [
            ("#/lines/0/quantity", "out-of-stock"),
            ("#/lines/1/quantity", "out-of-stock"),
        ]
        assert (stock_of(lamp), stock_of(chair)) == ((5, 0), (2, 0))
        assert not Reservation.objects.exists()
        assert not ReservationLine.objects.exists()
        assert not StockMovement.objects.filter(kind="reserved").exists()

    def test_names_the_short_lines_alone(self, order, lamp, chair):
        problem = problem_of(reserve(order, ("LAMP", 5), ("CHAIR", 3)), 409, "out-of-stock")
        assert problem["lines"] == [{"sku": "CHAIR", "requested": 3, "available": 2}]
        assert [e["pointer"] for e in problem["errors"]] == ["#/lines/1/quantity"]

    def test_tells_no_more_of_the_stock_than_everybody_sees(self, order, settings):
        settings.SHOWN_AVAILABLE = 3
        product(sku="MANY", on_hand=7)
        problem = problem_of(reserve(order, ("MANY", 8)), 409, "out-of-stock")
        assert problem["lines"] == [{"sku": "MANY", "requested": 8, "available": 3}]
        assert problem["errors"][0]["detail"] == "8 of MANY wanted, 3 available"

    def test_may_succeed_later_for_the_same_order(self, order, lamp):
        order_id = uuid7()
        reserve(order, ("LAMP", 6), order_id=order_id)
        assert reserve(order, ("LAMP", 5), order_id=order_id).status_code == 201

    def test_takes_the_last_piece_and_no_more(self, order, lamp):
        assert reserve(order, ("LAMP", 5)).status_code == 201
        problem = problem_of(reserve(order, ("LAMP", 1)), 409, "out-of-stock")
        assert problem["lines"] == [{"sku": "LAMP", "requested": 1, "available": 0}]

    @pytest.mark.parametrize("status", ["draft", "archived"])
    def test_refuses_what_is_not_for_sale(self, order, lamp, status):
        hidden = product(on_hand=5, status=status)
        order_id = uuid7()
        response = reserve(
            order, ("LAMP", 1), (hidden.sku, 1), ("NONE", 1), ("NONE", 1), order_id=order_id
        )
        problem = problem_of(response, 422, "unknown-sku")
        assert [e["pointer"] for e in problem["errors"]] == ["#/lines/1/sku", "#/lines/2/sku"]
        assert stock_of(lamp) == stock_of(hidden) == (5, 0)
        assert not Reservation.objects.exists()

    @pytest.mark.parametrize(
        "lines",
        [[("LAMP", 1)], [("LAMP", 3)], [("CHAIR", 2)], [("LAMP", 2), ("CHAIR", 1)], [("NONE", 2)]],
    )
    def test_refuses_other_lines(self, order, lamp, chair, lines):
        order_id = uuid7()
        reserve(order, ("LAMP", 2), order_id=order_id)
        problem_of(reserve(order, *lines, order_id=order_id), 409, "reservation-mismatch")
        assert (stock_of(lamp), stock_of(chair)) == ((5, 2), (2, 0))


class TestQuantity:
    @pytest.mark.parametrize(
        "quantity",
        [0, -1, 10000, 2**63, 10**30, True, False, None, 1.0, 1.5, "3", "", [], {}],
    )
    def test_is_an_integer_from_1_to_9999(self, order, lamp, quantity):
        response = reserve(order, ("LAMP", 1), ("LAMP", quantity))
        assert pointers(response) == ["#/lines/1/quantity"]
        assert stock_of(lamp) == (5, 0)

    @pytest.mark.parametrize("quantity", [1, 9999])
    def test_may_be_either_end(self, order, quantity):
        made = product(on_hand=9999)
        assert reserve(order, (made.sku, quantity)).status_code == 201


class TestLines:
    @pytest.mark.parametrize("lines", [[], {}, None, "LAMP", 1])
    def test_are_a_list_that_is_not_empty(self, order, lines):
        response = order.put(reservation_path(uuid7()), {"lines": lines})
        assert pointers(response) == ["#/lines"]

    @pytest.mark.parametrize("body", [[], 1, None, "text", True])
    def test_are_in_an_object(self, order, body):
        problem_of(order.put(reservation_path(uuid7()), body), 400, "validation-failed")

    def test_are_at_most_100(self, order):
        assert pointers(reserve(order, *[("LAMP", 1)] * 101)) == ["#/lines"]
        problem_of(reserve(order, *[("LAMP", 1)] * 100), 422, "unknown-sku")

    @pytest.mark.parametrize("sku", ["", "  ", None, 7, True, "S" * 65, []])
    def test_name_a_sku(self, order, sku):
        assert pointers(reserve(order, (sku, 1))) == ["#/lines/0/sku"]

    def test_hold_no_nul(self, order):
        problem_of(reserve(order, ("LAMP\0", 1)), 400, "body-malformed")

    def test_point_at_each_fault(self, order):
        lines = [{"sku": "LAMP", "quantity": 1}, {}, "LAMP"]
        response = order.put(reservation_path(uuid7()), {"lines": lines})
        assert pointers(response) == ["#/lines/1/sku", "#/lines/1/quantity", "#/lines/2"]


class TestGet:
    def test_shows_the_reservation_and_its_state(self, order, lamp):
        order_id = uuid7()
        made = reserve(order, ("LAMP", 2), order_id=order_id).json()
        assert order.get(reservation_path(order_id)).json() == made | {"status": "reserved"}
        order.delete(reservation_path(order_id))
        assert order.get(reservation_path(order_id)).json() == made | {"status": "released"}

    @pytest.mark.parametrize("order_id", [uuid7(), "1", "none", "%00"])
    def test_of_another_is_404(self, order, order_id):
        problem_of(order.get(reservation_path(order_id)), 404, "not-found")


class TestDelete:
    def test_frees_the_stock_once(self, order, lamp):
        order_id = uuid7()
        reserve(order, ("LAMP", 2), order_id=order_id)
        for _ in range(2):
            response = order.delete(reservation_path(order_id))
            assert (response.status_code, response.content) == (204, b"")
        assert stock_of(lamp) == ledger_of(lamp) == (5, 0)
        assert StockMovement.objects.filter(kind="released").count() == 1

    def test_closes_the_reservation(self, order, lamp):
        order_id = uuid7()
        reserve(order, ("LAMP", 2), order_id=order_id)
        order.delete(reservation_path(order_id))
        for lines in ([("LAMP", 2)], [("LAMP", 1)]):
            problem_of(reserve(order, *lines, order_id=order_id), 409, "reservation-closed")
        assert stock_of(lamp) == (5, 0)

    def test_of_an_unknown_order_stops_a_late_put(self, order, lamp):
        order_id = uuid7()
        assert order.delete(reservation_path(order_id)).status_code == 204
        problem_of(reserve(order, ("LAMP", 2), order_id=order_id), 409, "reservation-closed")
        assert order.get(reservation_path(order_id)).json()["status"] == "released"
        assert stock_of(lamp) == (5, 0)

    def test_of_a_paid_order_is_refused(self, order, lamp, deliver):
        order_id = uuid7()
        made = reserve(order, ("LAMP", 2), order_id=order_id)
        deliver("order.paid", {"order_id": str(order_id)}, str(order_id))
        problem_of(order.delete(reservation_path(order_id)), 409, "reservation-closed")
        assert stock_of(lamp) == (3, 0)
        again = reserve(order, ("LAMP", 2), order_id=order_id)
        assert (again.status_code, again.content) == (200, made.content)


class TestAccess:
    def asked(self, client: Any) -> list[Any]:
        path = reservation_path(uuid7())
        return [reserve(client, ("LAMP", 1)), client.get(path), client.delete(path)]

    def test_needs_a_token(self, api):
        for response in self.asked(api):
            problem_of(response, 401, "authentication-required")
            assert response["WWW-Authenticate"].startswith("Bearer")

    def test_needs_a_token_of_a_service(self, as_customer, as_admin, lamp):
        for client in (as_customer, as_admin):
            for response in self.asked(client):
                problem_of(response, 401, "token-invalid")
        assert not Reservation.objects.exists()

    def test_needs_the_scope(self, as_service):
        for scopes in ("events:read", "", "stock:reserved"):
            for response in self.asked(as_service("order", scopes=scopes)):
                problem_of(response, 403, "permission-denied")
        assert not Reservation.objects.exists()
