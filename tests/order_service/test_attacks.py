"""What an order's customer may try, and how it ends."""

import json
from functools import partial
from typing import Any, Final

import pytest

from apps.order_service.models import IdempotencyRecord, Order, Payment
from chassis.ids import uuid7
from tests.order_service.factories import ADDRESS, ORDERS, cancel, order_body, pay, place
from tests.order_service.test_api import pointers, problem_of

pytestmark = pytest.mark.django_db

DEPTHS: Final = (100, 300, 500, 700, 900, 1100)
"""Around what the parser takes in, and what a recursive function would."""


def send(client: Any, text: str, path: str = ORDERS, **headers: str) -> Any:
    """Send a body as it is written."""
    return client.generic(
        "POST",
        path,
        text.encode(),
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid7()), **headers},
    )


def text_of(quantity: str = "2", extra: str = "") -> str:
    """Return the JSON of an order with a quantity, and with members, as they are written."""
    address = json.dumps(ADDRESS)
    return (
        f'{{"lines": [{{"sku": "LAMP", "quantity": {quantity}}}], "shipping_address": {address}'
        f"{extra}}}"
    )


class TestFieldsThatAreNotTheClients:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(("unit_price", "0.01"), ("total", "0.01"), ("subtotal", "0.01"), ("tax", "-5.00")),
            *(
                ("currency", "VND"),
                ("status", "paid"),
                ("number", "0000-0000"),
                ("id", "01a224c5-b0ff-7775-ba79-f511ca3a1200"),
            ),
            *(
                ("user_id", "01a224c5-b0ff-7775-ba79-f5123905fb42"),
                ("from_cart", True),
                ("paid_at", "2020-01-01T00:00:00Z"),
            ),
            *(("expires_at", "2099-01-01T00:00:00Z"), ("payments", [{"status": "succeeded"}])),
        ],
    )
    def test_are_ignored_wherever_they_stand(self, as_customer, name, value):
        body = order_body(**{name: value})
        body["lines"][0][name] = value
        order = as_customer.post(ORDERS, body, headers={"Idempotency-Key": "k"}).json()
        honest = place(as_customer).json()
        for field in ("status", "total", "subtotal", "tax", "currency", "user_id", "payments"):
            assert order[field] == honest[field]
        assert order["lines"] == honest["lines"]
        assert order.get(name) != value
        row = Order.objects.get(id=order["id"])
        assert (row.user_id, row.from_cart, row.paid_at) == (as_customer.user_id, False, None)

    @pytest.mark.parametrize("name", ["amount", "currency", "status", "order_id", "provider"])
    def test_are_ignored_in_a_payment(self, as_customer, name):
        order = place(as_customer).json()
        body = {"method": "sandbox", "token": "tok_ok", name: "0.01"}
        response = as_customer.post(
            f"{ORDERS}/{order['id']}/payments", body, headers={"Idempotency-Key": "k"}
        )
        assert response.status_code == 201
        payment = Payment.objects.get()
        assert (str(payment.amount), payment.currency) == (order["total"], "EUR")
        assert (str(payment.order_id), payment.provider) == (order["id"], "sandbox")


class TestQuantity:
    @pytest.mark.parametrize(
        "quantity",
        [
            *("0", "-1", "1.5", "1e9", "true", "false", "null", '"2"', "[]", "[2]", "{}", "2.0"),
            *("10000", str(2**31), str(2**63), str(2**64), "9" * 400, "-0.0"),
        ],
    )
    def test_that_is_none_is_400_and_pointed_at(self, as_customer, quantity):
        assert pointers(send(as_customer, text_of(quantity))) == ["#/lines/0/quantity"]
        assert Order.objects.count() == IdempotencyRecord.objects.count() == 0

    @pytest.mark.parametrize(
        "quantity", ["NaN", "Infinity", "-Infinity", "02", "+2", "2.", "0x2", "1E400"]
    )
    def test_that_is_no_json_is_400(self, as_customer, quantity):
        problem_of(send(as_customer, text_of(quantity)), 400, "body-malformed")

    def test_of_a_sku_on_two_lines_is_one_demand(self, as_customer, catalog):
        catalog.stock("RARE", price="1.00", available=3)
        response = place(as_customer, ("RARE", 2), ("RARE", 2))
        problem = problem_of(response, 409, "out-of-stock")
        assert problem["lines"] == [{"sku": "RARE", "requested": 4, "available": 3}]
        assert catalog.available("RARE") == 3

    def test_of_a_hundred_skus_at_the_highest_price_fits(self, as_customer, catalog):
        """The largest order there can be: 100 lines of 9,999 at 9,999,999,999.99."""
        skus = [f"SKU-{number}" for number in range(100)]
        for sku in skus:
            catalog.stock(sku, price="9999999999.99", available=9999)
        response = place(as_customer, *((sku, 9999) for sku in skus))
        assert response.status_code == 201
        assert response.json()["subtotal"] == "9998999999990001.00"


class TestTexts:
    @pytest.mark.parametrize(
        ("field", "longest"),
        [("name", 200), ("line1", 200), ("line2", 200), ("city", 100), ("postal_code", 20)],
    )
    def test_that_are_too_long_are_400(self, as_customer, field, longest):
        for length in (longest + 1, 100_000):
            response = place(as_customer, shipping_address=ADDRESS | {field: "x" * length})
            assert pointers(response) == [f"#/shipping_address/{field}"]

    @pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udc00\\ud800", "\\ud800x"])
    @pytest.mark.parametrize("place_in", ["sku", "member", "value"])
    def test_that_no_database_holds_are_400(self, as_customer, escape, place_in):
        text = {
            "sku": text_of().replace("LAMP", f"LAMP{escape}"),
            "member": text_of(extra=f', "a{escape}": 1'),
            "value": text_of(extra=f', "a": ["{escape}"]'),
        }[place_in]
        problem_of(send(as_customer, text), 400, "body-malformed")

    @pytest.mark.parametrize(
        "sku", ["LAMP'; DROP TABLE orders; --", "%", "🛋️", "\u202eLAMP", "../x"]
    )
    def test_are_only_texts(self, as_customer, sku):
        problem = problem_of(place(as_customer, (sku, 1)), 422, "unknown-sku")
        assert problem["errors"][0]["pointer"] == "#/lines/0/sku"


class TestJson:
    @pytest.mark.parametrize("leaf", ["1", '"\\u0000"'])
    @pytest.mark.parametrize(
        ("left", "right"), [("[", "]"), ('{"a":', "}")], ids=["list", "object"]
    )
    def test_that_is_deep_is_taken_or_400(self, as_customer, left, right, leaf):
        for depth in DEPTHS:
            text = text_of(extra=f', "deep": {left * depth}{leaf}{right * depth}')
            status = send(as_customer, text).status_code
            assert status == 400 or (status == 201 and leaf == "1"), (depth, status)

    def test_that_is_huge_is_413(self, as_customer):
        text = text_of(extra=f', "a": "{"x" * 3_000_000}"')
        problem_of(send(as_customer, text), 413, "body-too-large")

    def test_with_a_member_twice_counts_the_last(self, as_customer):
        response = send(as_customer, text_of('1, "quantity": 3'))
        assert [line["quantity"] for line in response.json()["lines"]] == [3]
        assert pointers(send(as_customer, text_of('3, "quantity": 0'))) == ["#/lines/0/quantity"]

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/xml", "multipart/form-data; boundary=x", "text/json", ""],
    )
    def test_of_another_type_is_415(self, as_customer, content_type):
        response = as_customer.generic(
            "POST",
            ORDERS,
            text_of(),
            content_type=content_type,
            headers={"Idempotency-Key": "k"},
        )
        problem_of(response, 415, "unsupported-media-type")

    @pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
    def test_that_is_not_utf_8_is_400(self, as_customer, encoding):
        text = text_of().replace("Ada", "Adä")
        response = as_customer.generic(
            "POST",
            ORDERS,
            text.replace("Ad\\u00e4", "Adä").encode(encoding),
            content_type=f"application/json; charset={encoding}",
            headers={"Idempotency-Key": "k"},
        )
        problem_of(response, 400, "body-malformed")


class TestKey:
    @pytest.mark.parametrize("key", ["ключ", "k\x7f", "k" * 256, "a\tb", "é"])
    def test_of_other_characters_is_400(self, as_customer, key):
        response = as_customer.post(ORDERS, order_body(), HTTP_IDEMPOTENCY_KEY=key)
        problem_of(response, 400, "idempotency-key-invalid")

    def test_of_another_user_is_of_no_use(self, client_as):
        one, other = client_as("customer"), client_as("customer")
        theirs = place(one, key="k").json()
        mine = place(other, ("CHAIR", 1), key="k")
        assert mine.status_code == 201
        assert mine.json()["user_id"] == str(other.user_id)
        assert mine.json()["id"] != theirs["id"]
        assert place(one, key="k").json() == theirs

    def test_is_missing_or_comes_with_another_body(self, as_customer):
        response = as_customer.post(ORDERS, order_body())
        problem_of(response, 400, "idempotency-key-required")
        place(as_customer, key="k")
        problem_of(place(as_customer, ("LAMP", 3), key="k"), 422, "idempotency-key-reused")
        assert Order.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_sent_at_once_makes_one_order(self, as_customer, at_once):
        responses = at_once(*[partial(place, as_customer, key="k")] * 4)
        assert {response.status_code for response in responses} <= {201, 409}
        assert Order.objects.count() == 1


class TestRights:
    @pytest.mark.parametrize("action", ["ship", "deliver", "refund"])
    def test_a_customer_does_not_fulfil(self, as_customer, action):
        order = place(as_customer).json()
        pay(as_customer, order["id"])
        response = as_customer.post(f"{ORDERS}/{order['id']}/{action}", {"reason": "mine"})
        problem_of(response, 403, "permission-denied")
        assert as_customer.get(f"{ORDERS}/{order['id']}").json()["status"] == "paid"

    @pytest.mark.parametrize("role", ["staff", "admin"])
    def test_staff_does_not_pay_anothers_order(self, as_customer, client_as, role):
        order = place(as_customer).json()
        problem_of(pay(client_as(role), order["id"]), 403, "permission-denied")
        assert Payment.objects.count() == 0

    @pytest.mark.parametrize("path", ["", "/timeline", "/cancel", "/payments"])
    def test_anothers_order_answers_as_a_missing_one(self, as_customer, client_as, path):
        theirs = place(client_as("customer")).json()["id"]
        answers = []
        for order_id in (theirs, str(uuid7())):
            url = f"{ORDERS}/{order_id}{path}"
            body = {"method": "sandbox", "token": "tok_ok"}
            response = (
                as_customer.get(url)
                if path in {"", "/timeline"}
                else as_customer.post(url, body, headers={"Idempotency-Key": "k"})
            )
            assert response.status_code == 404
            own = response.content.replace(response["X-Request-ID"].encode(), b"")
            headers = {k: v for k, v in response.items() if k != "X-Request-ID"}
            answers.append((own.replace(order_id.encode(), b""), headers))
        assert answers[0] == answers[1]
        assert Order.objects.get().status == "placed"

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_nobody_writes_an_order_itself(self, as_customer, as_admin, method):
        order = place(as_customer).json()
        for client in (as_customer, as_admin):
            for path in (ORDERS, f"{ORDERS}/{order['id']}"):
                response = client.generic(
                    method, path, '{"status": "paid"}', content_type="application/json"
                )
                problem_of(response, 405, "method-not-allowed")
        assert as_customer.get(f"{ORDERS}/{order['id']}").json() == order

    def test_a_service_has_no_orders(self, as_service):
        client = as_service("catalog", "stock:reserve events:read")
        problem_of(client.get(ORDERS), 401, "token-invalid")


class TestIds:
    @pytest.mark.parametrize(
        "name",
        [
            "0",
            "' OR 1=1 --",
            "%2e%2e/orders",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "{}",
            "export/timeline",
            "x" * 5000,
        ],
        ids=lambda name: name[:12],
    )
    def test_that_are_no_orders_are_404(self, as_customer, name):
        place(as_customer)
        for path in (f"{ORDERS}/{name}", f"{ORDERS}/{name}/timeline"):
            problem_of(as_customer.get(path), 404, "not-found")

    def test_count_in_one_form_alone(self, as_customer):
        order_id = place(as_customer).json()["id"]
        for form in (
            order_id.upper(),
            order_id.replace("-", ""),
            f"{{{order_id}}}",
            f"{order_id}/",
        ):
            problem_of(as_customer.get(f"{ORDERS}/{form}"), 404, "not-found")
        assert cancel(as_customer, order_id).status_code == 200
