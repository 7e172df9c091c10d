"""From the cart to an order and, where there is none, back."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from apps.order_service import conf, services
from apps.order_service.models import CartItem, IdempotencyRecord, KnownProduct, Order
from tests.order_service.carts import CART, CHECKOUT, cart_of, check_out, fill, item
from tests.order_service.factories import ADDRESS, ORDERS, cancel, place
from tests.order_service.services.test_races import codes
from tests.order_service.test_api import pointers, problem_of

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [("LAMP", 2), ("CHAIR", 1)]


class TestCheckOut:
    def test_orders_what_is_in_the_cart_and_empties_it(self, as_customer, outbox_events):
        fill(as_customer, *LINES)
        response = check_out(as_customer)
        order = response.json()
        assert response.status_code == 201
        assert response["Location"] == f"{ORDERS}/{order['id']}"
        assert [(line["sku"], line["quantity"]) for line in order["lines"]] == LINES
        assert (order["status"], order["total"]) == ("placed", "144.70")
        assert as_customer.get(response["Location"]).content == response.content
        assert [event.type for event in outbox_events(order["id"])] == ["order.placed"]
        assert cart_of(as_customer) == []

    def test_answers_as_an_order_of_the_same_lines(self, as_customer):
        fill(as_customer, *LINES)
        orders = [check_out(as_customer).json(), place(as_customer, *LINES).json()]
        for order in orders:
            for name in ("id", "number", "created_at", "placed_at", "expires_at"):
                del order[name]
        assert orders[0] == orders[1]

    def test_answers_the_same_to_the_same_key(self, as_customer):
        fill(as_customer)
        first = check_out(as_customer, key="k")
        fill(as_customer, ("CHAIR", 1))
        second = check_out(as_customer, key="k")
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert Order.objects.count() == 1
        assert cart_of(as_customer) == [("CHAIR", 1)]

    def test_has_keys_of_its_own(self, as_customer):
        fill(as_customer)
        assert place(as_customer, key="k").status_code == 201
        assert check_out(as_customer, key="k").status_code == 201
        assert Order.objects.count() == 2

    def test_refuses_a_key_that_came_with_another_body(self, as_customer):
        fill(as_customer)
        check_out(as_customer, key="k")
        response = check_out(as_customer, key="k", shipping_address={**ADDRESS, "city": "Delft"})
        problem_of(response, 422, "idempotency-key-reused")

    def test_needs_a_key_and_an_address(self, as_customer):
        fill(as_customer)
        body = {"shipping_address": ADDRESS}
        problem_of(as_customer.post(CHECKOUT, body), 400, "idempotency-key-required")
        response = as_customer.post(CHECKOUT, {}, headers={"Idempotency-Key": "k"})
        assert pointers(response) == ["#/shipping_address"]
        assert pointers(check_out(as_customer, expected_total=1)) == ["#/expected_total"]
        assert cart_of(as_customer) == [("LAMP", 2)]

    def test_ignores_lines_of_the_body(self, as_customer):
        fill(as_customer)
        order = check_out(as_customer, lines=[{"sku": "CHAIR", "quantity": 1}], total="0").json()
        assert [line["sku"] for line in order["lines"]] == ["LAMP"]

    def test_of_an_empty_cart_is_refused_and_not_kept(self, as_customer):
        problem_of(check_out(as_customer, key="k"), 409, "cart-empty")
        assert IdempotencyRecord.objects.count() == Order.objects.count() == 0
        fill(as_customer)
        assert check_out(as_customer, key="k").status_code == 201

    def test_of_anothers_cart_there_is_none(self, as_customer, client_as):
        fill(client_as("customer"))
        problem_of(check_out(as_customer), 409, "cart-empty")

    def test_beyond_the_limit_of_open_orders_leaves_the_cart(self, as_customer, monkeypatch):
        monkeypatch.setattr(conf, "open_orders_limit", lambda: 0)
        fill(as_customer)
        problem_of(check_out(as_customer), 409, "too-many-open-orders")
        assert cart_of(as_customer) == [("LAMP", 2)]


class TestRejected:
    def test_for_want_of_stock_puts_the_lines_back_and_names_them(self, as_customer):
        fill(as_customer, ("LAMP", 2), ("CHAIR", 6))
        problem = problem_of(check_out(as_customer), 409, "out-of-stock")
        assert [(e["pointer"], e["sku"], e["code"]) for e in problem["errors"]] == [
            ("#", "CHAIR", "out-of-stock")
        ]
        assert problem["lines"] == [{"sku": "CHAIR", "requested": 6, "available": 5}]
        assert cart_of(as_customer) == [("LAMP", 2), ("CHAIR", 6)]

    def test_for_an_unknown_sku_puts_the_lines_back_and_names_it(self, as_customer, catalog):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        catalog.withdraw("LAMP")
        problem = problem_of(check_out(as_customer), 422, "unknown-sku")
        assert [(e["pointer"], e["sku"]) for e in problem["errors"]] == [("#", "LAMP")]
        assert cart_of(as_customer) == [("LAMP", 1), ("CHAIR", 1)]

    def test_for_another_price_puts_the_lines_back(self, as_customer):
        fill(as_customer)
        problem = problem_of(check_out(as_customer, expected_total="1.00"), 409, "price-changed")
        assert check_out(as_customer, expected_total=problem["total"]).status_code == 201

    def test_names_the_line_of_the_body_where_there_is_one(self, as_customer):
        problem = place(as_customer, ("LAMP", 1), ("CHAIR", 6)).json()
        assert [error["pointer"] for error in problem["errors"]] == ["#/lines/1/quantity"]
        assert cart_of(as_customer) == []


class TestPending:
    @pytest.fixture
    def pending(self, as_customer, catalog):
        """Return an order of a cart that catalog could not be asked about; catalog is back."""
        fill(as_customer, ("LAMP", 2), ("CHAIR", 6))
        catalog.down = True
        response = check_out(as_customer, key="k")
        assert response.status_code == 202
        catalog.down = False
        return Order.objects.get(id=response.json()["id"])

    def test_has_left_the_cart(self, pending, as_customer):
        assert cart_of(as_customer) == []

    def test_is_placed_by_recovery(self, pending, as_customer, catalog):
        catalog.stock("CHAIR", price="1.00", available=6)
        assert services.recover_orders(now=timezone.now()) == 1
        pending.refresh_from_db()
        assert pending.status == "placed"
        assert cart_of(as_customer) == []

    def test_is_put_back_when_recovery_rejects_it(self, pending, as_customer):
        services.recover_orders(now=timezone.now())
        pending.refresh_from_db()
        assert pending.status == "rejected"
        assert cart_of(as_customer) == [("LAMP", 2), ("CHAIR", 6)]

    def test_is_put_back_when_it_is_given_up(self, pending, as_customer):
        services.recover_orders(now=timezone.now() + timedelta(seconds=conf.RECOVERY_SECONDS + 1))
        pending.refresh_from_db()
        assert pending.status == "cancelled"
        assert cart_of(as_customer) == [("LAMP", 2), ("CHAIR", 6)]

    def test_is_put_back_when_its_customer_cancels_it(self, pending, as_customer):
        assert cancel(as_customer, pending.id).status_code == 200
        assert cart_of(as_customer) == [("LAMP", 2), ("CHAIR", 6)]

    def test_leaves_alone_what_is_in_the_cart_again(self, pending, as_customer, catalog):
        catalog.stock("NEW", price="1.00")
        fill(as_customer, ("NEW", 1), ("LAMP", 7))
        cancel(as_customer, pending.id)
        assert cart_of(as_customer) == [("CHAIR", 6), ("NEW", 1), ("LAMP", 7)]

    def test_goes_back_as_far_as_the_cart_holds_it(self, pending, as_customer):
        CartItem.objects.bulk_create(
            CartItem(user_id=as_customer.user_id, sku=f"SKU-{number}", quantity=1)
            for number in range(99)
        )
        cancel(as_customer, pending.id)
        skus = [sku for sku, _ in cart_of(as_customer)]
        assert len(skus) == 100
        assert skus[0] == "LAMP"


class TestPlaced:
    def test_does_not_go_back_when_it_is_cancelled(self, as_customer):
        fill(as_customer)
        cancel(as_customer, check_out(as_customer).json()["id"])
        assert cart_of(as_customer) == []

    def test_that_did_not_come_from_the_cart_does_not_go_there(self, as_customer, catalog):
        catalog.down = True
        order = place(as_customer).json()
        catalog.down = False
        cancel(as_customer, order["id"])
        assert Order.objects.get().status == "cancelled"
        assert cart_of(as_customer) == []


class TestAtOnce:
    def test_check_outs_make_one_order(self, as_customer, at_once):
        fill(as_customer, *LINES)
        responses = at_once(*[partial(check_out, as_customer)] * 6)
        assert codes(responses) == {201: 1, "cart-empty": 5}
        assert Order.objects.get().status == "placed"

    def test_check_outs_under_one_key_make_one_order(self, as_customer, at_once):
        fill(as_customer)
        found = codes(at_once(*[partial(check_out, as_customer, key="k")] * 6))
        assert found[201] >= 1
        assert found[201] + found["idempotency-in-progress"] == 6
        assert Order.objects.count() == 1

    def test_puts_of_one_sku_make_one_line(self, as_customer, at_once):
        puts = [partial(fill, as_customer, ("LAMP", number)) for number in range(1, 7)]
        assert codes(at_once(*puts)) == {200: 6}
        ((sku, quantity),) = cart_of(as_customer)
        assert sku == "LAMP"
        assert quantity in range(1, 7)

    def test_puts_do_not_slip_past_the_limit_of_lines(self, as_customer, at_once, catalog):
        CartItem.objects.bulk_create(
            CartItem(user_id=as_customer.user_id, sku=f"SKU-{number}", quantity=1)
            for number in range(98)
        )
        for number in range(6):
            catalog.stock(f"NEW-{number}", price="1.00")
        puts = [partial(fill, as_customer, (f"NEW-{number}", 1)) for number in range(6)]
        assert codes(at_once(*puts)) == {200: 2, "cart-full": 4}

    @pytest.mark.parametrize("attempt", range(3))
    def test_a_put_is_ordered_or_stays(self, as_customer, at_once, attempt):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        placed, put = at_once(
            partial(check_out, as_customer), partial(fill, as_customer, ("LAMP", 9))
        )
        assert (placed.status_code, put.status_code) == (201, 200)
        ordered = {line["sku"]: line["quantity"] for line in placed.json()["lines"]}
        kept = dict(cart_of(as_customer))
        assert (ordered["LAMP"], kept) in [(9, {}), (1, {"LAMP": 9})]

    @pytest.mark.parametrize("path", [CART, item("LAMP")], ids=["all", "one"])
    def test_a_delete_comes_before_the_check_out_or_after_it(self, as_customer, at_once, path):
        fill(as_customer, ("LAMP", 1))
        deleted, placed = at_once(
            partial(as_customer.delete, path), partial(check_out, as_customer)
        )
        assert deleted.status_code == 204
        assert placed.status_code in {201, 409}
        assert Order.objects.count() == (placed.status_code == 201)
        assert cart_of(as_customer) == []

    def test_what_goes_back_meets_what_is_put_in(self, as_customer, at_once, catalog):
        fill(as_customer, ("LAMP", 1), ("CHAIR", 1))
        catalog.down = True
        order = check_out(as_customer).json()
        catalog.down = False
        cancelled, put, read = at_once(
            partial(cancel, as_customer, order["id"]),
            partial(fill, as_customer, ("LAMP", 9)),
            partial(as_customer.get, CART),
        )
        assert (cancelled.status_code, put.status_code, read.status_code) == (200, 200, 200)
        assert dict(cart_of(as_customer)) == {"LAMP": 9, "CHAIR": 1}

    def test_what_catalog_tells_two_carts_is_written_once(self, client_as, at_once):
        buyers = [client_as("customer") for _ in range(6)]
        puts = [
            partial(fill, buyer, *LINES[:: 1 if i % 2 else -1]) for i, buyer in enumerate(buyers)
        ]
        assert codes(at_once(*puts)) == {200: 6}
        KnownProduct.objects.all().delete()
        assert codes(at_once(*[partial(buyer.get, CART) for buyer in buyers])) == {200: 6}
        assert set(KnownProduct.objects.values_list("sku", flat=True)) == {"LAMP", "CHAIR"}
