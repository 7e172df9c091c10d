import secrets
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from apps.order_service import conf
from apps.order_service.models import IdempotencyRecord, Order, OrderHistory
from apps.order_service.services import placing
from chassis.rest import Unavailable
from tests.order_service.factories import ADDRESS, ORDERS, cancel, pay, place

pytestmark = pytest.mark.django_db


class TestPlacing:
    def test_answers_the_order_with_the_prices_of_catalog(self, as_customer, catalog):
        response = place(as_customer, ("LAMP", 2), ("CHAIR", 1))
        order = response.json()
        assert response.status_code == 201
        assert response["Location"] == f"{ORDERS}/{order['id']}"
        assert order["status"] == "placed"
        assert order["lines"] == [
            {
                "sku": "LAMP",
                "name": "Lamp",
                "quantity": 2,
                "unit_price": "19.90",
                "line_total": "39.80",
            },
            {
                "sku": "CHAIR",
                "name": "Chair",
                "quantity": 1,
                "unit_price": "100.00",
                "line_total": "100.00",
            },
        ]
        assert [order[name] for name in ("subtotal", "shipping", "tax", "total", "currency")] == [
            "139.80",
            "4.90",
            "0.00",
            "144.70",
            "EUR",
        ]
        assert order["shipping_address"] == ADDRESS
        assert order["user_id"] == str(as_customer.user_id)
        assert order["created_at"].endswith("Z")
        assert order["payments"] == []
        assert catalog.available("CHAIR") == 4

    def test_answers_the_order_as_it_is_read_later(self, as_customer):
        placed = place(as_customer)
        assert as_customer.get(placed["Location"]).json() == placed.json()

    def test_publishes_what_was_placed(self, as_customer, outbox_events):
        order = place(as_customer, ("LAMP", 2)).json()
        (event,) = outbox_events(order["id"])
        assert event.type == "order.placed"
        assert event.data == {
            "order_id": order["id"],
            "user_id": str(as_customer.user_id),
            "number": order["number"],
            "lines": [{"sku": "LAMP", "name": "Lamp", "quantity": 2, "unit_price": "19.90"}],
            "total": "44.70",
            "currency": "EUR",
        }

    def test_adds_lines_of_the_same_sku(self, as_customer, catalog):
        order = place(as_customer, ("LAMP", 1), ("CHAIR", 1), ("LAMP", 2)).json()
        assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [
            ("LAMP", 3),
            ("CHAIR", 1),
        ]
        assert catalog.available("LAMP") == 997

    def test_takes_no_price_status_or_total_from_the_customer(self, as_customer):
        response = place(
            as_customer,
            status="paid",
            total="0.01",
            shipping="0.00",
            user_id="0",
            lines=[{"sku": "LAMP", "quantity": 1, "unit_price": "0.01", "price": "0.01"}],
        )
        order = response.json()
        assert response.status_code == 201
        assert (order["status"], order["total"]) == ("placed", "24.80")
        assert order["user_id"] == str(as_customer.user_id)

    def test_keeps_who_did_what(self, as_customer):
        order = place(as_customer).json()
        who = f"user:{as_customer.user_id}"
        rows = OrderHistory.objects.filter(order_id=order["id"]).order_by("id")
        assert list(rows.values_list("from_status", "to_status", "who")) == [
            ("", "pending", who),
            ("pending", "placed", who),
        ]

    def test_draws_another_number_when_one_is_taken(self, as_customer, monkeypatch):
        draws = iter([7, 7, 8])
        monkeypatch.setattr(secrets, "randbits", lambda bits: next(draws))
        first, second = place(as_customer).json(), place(as_customer).json()
        assert [first["number"], second["number"]] == ["0000-0007", "0000-0008"]


class TestOutOfStock:
    def test_is_409_and_names_each_short_line(self, as_customer, catalog, outbox_events):
        catalog.stock("LAMP", price="19.90", available=1)
        response = place(as_customer, ("LAMP", 1), ("CHAIR", 6), ("LAMP", 1))
        problem = response.json()
        assert response.status_code == 409
        assert response["Content-Type"] == "application/problem+json"
        assert problem["code"] == "out-of-stock"
        assert problem["errors"] == [
            {
                "pointer": "#/lines/0/quantity",
                "detail": "2 of LAMP wanted, 1 available",
                "code": "out-of-stock",
            },
            {
                "pointer": "#/lines/1/quantity",
                "detail": "6 of CHAIR wanted, 5 available",
                "code": "out-of-stock",
            },
        ]
        assert problem["lines"] == [
            {"sku": "LAMP", "requested": 2, "available": 1},
            {"sku": "CHAIR", "requested": 6, "available": 5},
        ]
        order = Order.objects.get()
        assert order.status == "rejected"
        (event,) = outbox_events(order.id)
        assert event.type == "order.rejected"
        assert event.data == {
            "order_id": str(order.id),
            "user_id": str(as_customer.user_id),
            "reason": "out-of-stock",
        }

    def test_shows_the_order_as_rejected_without_prices(self, as_customer):
        place(as_customer, ("CHAIR", 6))
        order = as_customer.get(f"{ORDERS}/{Order.objects.get().id}").json()
        assert order["status"] == "rejected"
        assert order["total"] is None
        assert order["lines"][0]["sku"] == "CHAIR"


class TestUnknownSku:
    def test_is_422_and_names_each_line(self, as_customer):
        response = place(as_customer, ("LAMP", 1), ("GHOST", 1))
        problem = response.json()
        assert response.status_code == 422
        assert problem["code"] == "unknown-sku"
        assert problem["errors"] == [
            {
                "pointer": "#/lines/1/sku",
                "detail": "GHOST does not exist",
                "code": "unknown-sku",
            }
        ]
        assert Order.objects.get().status == "rejected"


class TestExpectedTotal:
    @pytest.mark.parametrize("expected", ["44.70", "44.7", None])
    def test_places_where_it_is_right(self, as_customer, expected):
        assert place(as_customer, ("LAMP", 2), expected_total=expected).status_code == 201

    def test_is_409_with_the_new_total_where_it_is_not(self, as_customer, catalog, outbox_events):
        response = place(as_customer, ("LAMP", 2), expected_total="39.80")
        problem = response.json()
        assert response.status_code == 409
        assert problem["code"] == "price-changed"
        assert (problem["total"], problem["currency"]) == ("44.70", "EUR")
        order = Order.objects.get()
        assert order.status == "rejected"
        assert outbox_events(order.id)[0].data["reason"] == "price-changed"

    def test_gives_the_stock_back_at_once(self, as_customer, catalog):
        place(as_customer, ("CHAIR", 5), expected_total="1.00")
        assert catalog.available("CHAIR") == 5
        assert place(as_customer, ("CHAIR", 5), expected_total="504.90").status_code == 201

    def test_leaves_the_stock_to_the_event_when_catalog_goes_away(
        self, as_customer, catalog, monkeypatch, outbox_events
    ):
        def release(order_id):
            raise Unavailable("gone")

        monkeypatch.setattr(catalog, "release", release)
        response = place(as_customer, expected_total="1.00")
        assert response.json()["code"] == "price-changed"
        assert [event.type for event in outbox_events()] == ["order.rejected"]


class TestOpenOrders:
    def test_are_limited_per_user(self, as_customer, client_as, catalog):
        orders = [place(as_customer) for _ in range(conf.open_orders_limit())]
        assert {response.status_code for response in orders} == {201}
        refused = place(as_customer)
        assert refused.status_code == 409
        assert refused.json()["code"] == "too-many-open-orders"
        assert Order.objects.count() == conf.open_orders_limit()
        assert place(client_as("customer")).status_code == 201

    @pytest.mark.parametrize("close", [pay, cancel])
    def test_count_no_more_once_paid_or_cancelled(self, as_customer, close):
        orders = [place(as_customer).json() for _ in range(conf.open_orders_limit())]
        close(as_customer, orders[0]["id"])
        assert place(as_customer).status_code == 201


class TestCatalogUnreachable:
    def test_is_202_with_the_pending_order(self, as_customer, catalog, outbox_events):
        catalog.down = True
        response = place(as_customer, ("LAMP", 2))
        order = response.json()
        assert response.status_code == 202
        assert response["Location"] == f"{ORDERS}/{order['id']}"
        assert order["status"] == "pending"
        assert order["lines"] == [
            {"sku": "LAMP", "name": None, "quantity": 2, "unit_price": None, "line_total": None}
        ]
        unpriced = ("subtotal", "shipping", "tax", "total", "expires_at", "placed_at")
        assert [order[name] for name in unpriced] == [None] * 6
        assert as_customer.get(response["Location"]).json() == order
        assert outbox_events() == []

    def test_is_the_same_for_prices_in_another_currency(self, as_customer, catalog):
        catalog._currency = "USD"
        assert place(as_customer).status_code == 202

    def test_leaves_the_order_to_recovery_at_once(self, as_customer, catalog):
        catalog.down = True
        place(as_customer)
        assert Order.objects.filter(recover_after__lte=timezone.now()).exists()

    def test_gives_a_request_its_time_before_recovery_looks(self, as_customer, monkeypatch):
        seen = []

        def settle(order, *, who):
            seen.append(order.recover_after)
            raise Unavailable("gone")

        monkeypatch.setattr(placing, "settle_order", settle)
        place(as_customer)
        assert seen[0] > timezone.now() + timedelta(seconds=3)


class TestReservationReleasedBefore:
    def test_rejects_the_order(self, as_customer, catalog, monkeypatch):
        monkeypatch.setattr(catalog, "released", AnyOrder())
        response = place(as_customer)
        assert response.status_code == 409
        assert response.json()["code"] == "state-conflict"
        assert Order.objects.get().status == "rejected"
        assert IdempotencyRecord.objects.get().status == 409


class AnyOrder(set[UUID]):
    def __contains__(self, order_id):
        return True
