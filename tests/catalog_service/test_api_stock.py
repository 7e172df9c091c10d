"""Stock as staff see and adjust it."""

from datetime import datetime
from typing import Any

import pytest

from apps.catalog_service.models import StockMovement
from apps.catalog_service.services.stock import MOST_ON_HAND
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.catalog_service.factories import PRODUCTS, ledger_of, product, reserve, stock_of
from tests.catalog_service.problems import blamed, pointers, problem_of

pytestmark = pytest.mark.django_db


def adjust(client: Any, slug: str, quantity: Any, reason: Any = "counted") -> Any:
    body = {"quantity": quantity, "reason": reason}
    return client.post(f"{PRODUCTS}/{slug}/stock/adjustments", body)


class TestRead:
    def test_shows_what_is_reserved(self, as_staff, order):
        made = product(5)
        reserve(order, (made.sku, 2))
        response = as_staff.get(f"{PRODUCTS}/{made.slug}/stock")
        assert response.json() == {"on_hand": 5, "reserved": 2, "available": 3}

    def test_of_another_is_404(self, as_staff):
        problem_of(as_staff.get(f"{PRODUCTS}/none/stock"), 404, "not-found")


class TestAdjust:
    def test_adds_and_takes_away(self, as_staff):
        made = product()
        response = adjust(as_staff, made.slug, 7)
        assert response.status_code == 201
        assert response.json() == {"on_hand": 7, "reserved": 0, "available": 7}
        assert adjust(as_staff, made.slug, -3, "broken").json()["on_hand"] == 4
        assert stock_of(made) == ledger_of(made) == (4, 0)

    def test_is_written_down_with_who_and_why(self, as_staff):
        made = product()
        adjust(as_staff, made.slug, 7, "delivery 12")
        movement = StockMovement.objects.get()
        assert (movement.kind, movement.on_hand, movement.reserved) == ("adjusted", 7, 0)
        assert movement.actor == f"user:{as_staff.user_id}"
        assert movement.reason == "delivery 12"
        assert movement.order_id is None

    def test_is_audited(self, as_staff):
        made = product()
        adjust(as_staff, made.slug, 7, "delivery 12")
        entry = AuditEntry.objects.get(action="stock.adjusted")
        assert (entry.actor_id, entry.target_id) == (as_staff.user_id, str(made.id))
        assert entry.details == {"quantity": 7, "reason": "delivery 12"}
        problem = problem_of(adjust(as_staff, made.slug, -8), 409, "stock-short")
        assert blamed(problem) == ["#/quantity"]
        assert AuditEntry.objects.count() == 1

    def test_leaves_what_is_reserved(self, as_staff, order):
        made = product(5)
        reserve(order, (made.sku, 3))
        problem_of(adjust(as_staff, made.slug, -3), 409, "stock-short")
        assert stock_of(made) == ledger_of(made) == (5, 3)
        assert adjust(as_staff, made.slug, -2).json()["available"] == 0

    def test_stays_below_what_can_be_counted(self, as_staff):
        made = product(MOST_ON_HAND)
        problem = problem_of(adjust(as_staff, made.slug, 1), 409, "stock-full")
        assert blamed(problem) == ["#/quantity"]
        assert stock_of(made) == (MOST_ON_HAND, 0)
        assert adjust(as_staff, made.slug, -1).status_code == 201
        assert adjust(as_staff, made.slug, 1).status_code == 201

    def test_of_an_archived_product_is_possible(self, as_staff):
        assert adjust(as_staff, product(status="archived").slug, 1).status_code == 201

    @pytest.mark.parametrize(
        "quantity", [0, True, None, 1.5, 1.0, "3", 1_000_001, -1_000_001, 2**63, 10**30, []]
    )
    def test_is_by_whole_pieces(self, as_staff, quantity):
        made = product(5)
        assert pointers(adjust(as_staff, made.slug, quantity)) == ["#/quantity"]
        assert stock_of(made) == (5, 0)

    @pytest.mark.parametrize("reason", ["", " ", None, 7, "R" * 201])
    def test_needs_a_reason(self, as_staff, reason):
        assert pointers(adjust(as_staff, product(5).slug, 1, reason)) == ["#/reason"]

    def test_of_another_is_404(self, as_staff):
        problem_of(adjust(as_staff, "none", 1), 404, "not-found")


class TestMovements:
    def path(self, slug: str, query: str = "") -> str:
        return f"{PRODUCTS}/{slug}/stock/movements{query}"

    def test_are_listed_newest_first(self, as_staff, order):
        made, order_id = product(5), uuid7()
        product(3)
        reserve(order, (made.sku, 2), order_id=order_id)
        adjust(as_staff, made.slug, -1, "broken")
        rows = as_staff.get(self.path(made.slug)).json()["results"]
        for row in rows:
            datetime.fromisoformat(row.pop("at"))
        assert rows == [
            {
                "kind": "adjusted",
                "on_hand": -1,
                "reserved": 0,
                "order_id": None,
                "actor": f"user:{as_staff.user_id}",
                "reason": "broken",
            },
            {
                "kind": "reserved",
                "on_hand": 0,
                "reserved": 2,
                "order_id": str(order_id),
                "actor": "order",
                "reason": "",
            },
            {
                "kind": "adjusted",
                "on_hand": 5,
                "reserved": 0,
                "order_id": None,
                "actor": "test",
                "reason": "counted",
            },
        ]

    def test_are_paged_by_cursors_of_the_product(self, as_staff):
        made, other = product(), product(1)
        for n in range(1, 4):
            adjust(as_staff, made.slug, n)
        page = as_staff.get(self.path(made.slug, "?limit=2")).json()
        assert [row["on_hand"] for row in page["results"]] == [3, 2]
        cursor = page["next"].partition("cursor=")[2]
        rest = as_staff.get(self.path(made.slug, f"?limit=2&cursor={cursor}")).json()
        assert [row["on_hand"] for row in rest["results"]] == [1]
        assert rest["next"] is None
        answer = as_staff.get(self.path(other.slug, f"?limit=2&cursor={cursor}"))
        assert pointers(answer) == ["#/cursor"]

    def test_of_another_are_404(self, as_staff):
        problem_of(as_staff.get(self.path("none")), 404, "not-found")

    def test_are_for_staff(self, as_customer, api):
        problem_of(api.get(self.path("none")), 401, "authentication-required")
        problem_of(as_customer.get(self.path("none")), 403, "permission-denied")
