"""The Idempotency-Key, row by row of the contract."""

from typing import Any

import pytest

from apps.order_service.models import IdempotencyRecord, Order, Payment
from apps.order_service.services import idempotency
from apps.order_service.services.idempotency import Answer
from tests.order_service.factories import ORDERS, call, cancel, order_body, pay, place

pytestmark = pytest.mark.django_db


def exact(response: Any) -> tuple[int, bytes, dict[str, str]]:
    names = ("Content-Type", "Location")
    headers = {name: response[name] for name in names if response.has_header(name)}
    return response.status_code, response.content, headers


class TestKey:
    @pytest.mark.parametrize("path", [ORDERS, f"{ORDERS}/{{id}}/payments"])
    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": " "}])
    def test_is_required(self, as_customer, path, headers):
        order = place(as_customer).json()
        response = as_customer.post(path.format(id=order["id"]), order_body(), headers=headers)
        assert response.status_code == 400
        assert response.json()["code"] == "idempotency-key-required"

    @pytest.mark.parametrize("key", ["k" * 256, "tab\there", "schlüssel"])
    def test_is_short_and_printable(self, as_customer, key):
        response = place(as_customer, key=key)
        assert response.status_code == 400
        assert response.json()["code"] == "idempotency-key-invalid"
        assert Order.objects.count() == 0

    @pytest.mark.parametrize("key", ["k", "k" * 255, "a b/c~!"])
    def test_may_be_anything_else(self, as_customer, key):
        assert place(as_customer, key=key).status_code == 201

    def test_belongs_to_one_user(self, client_as):
        answers = [place(client_as("customer"), key="same").json()["id"] for _ in range(2)]
        assert answers[0] != answers[1]

    def test_belongs_to_one_route(self, as_customer):
        order = place(as_customer, key="same").json()
        other = place(as_customer).json()
        assert pay(as_customer, order["id"], key="same").status_code == 201
        assert pay(as_customer, other["id"], key="same").status_code == 201


class TestSameKeyAndBody:
    @pytest.mark.parametrize(
        ("lines", "changes", "status"),
        [
            ([("LAMP", 2)], {}, 201),
            ([("CHAIR", 6)], {}, 409),
            ([("GHOST", 1)], {}, 422),
            ([("LAMP", 2)], {"expected_total": "1.00"}, 409),
        ],
    )
    def test_gets_the_same_answer(self, as_customer, lines, changes, status, catalog):
        first = place(as_customer, *lines, key="k", **changes)
        catalog.stock("CHAIR", price="1.00", available=100)
        catalog.stock("GHOST", price="1.00", available=100)
        again = place(as_customer, *lines, key="k", **changes)
        assert first.status_code == status
        assert exact(again) == exact(first)
        assert Order.objects.count() == 1
        assert catalog.asked.total() == 1

    def test_gets_the_202_again_after_the_order_moved_on(self, as_customer, catalog):
        catalog.down = True
        first = place(as_customer, key="k")
        cancel(as_customer, first.json()["id"])
        assert exact(place(as_customer, key="k")) == exact(first)
        assert first.status_code == 202

    def test_gets_the_201_again_after_the_order_moved_on(self, as_customer):
        first = place(as_customer, key="k")
        pay(as_customer, first.json()["id"])
        assert exact(place(as_customer, key="k")) == exact(first)

    def test_gets_the_refusal_of_too_many_orders_again(self, as_customer, monkeypatch):
        monkeypatch.setattr("apps.order_service.conf.open_orders_limit", lambda: 1)
        order = place(as_customer).json()
        refused = place(as_customer, key="k")
        cancel(as_customer, order["id"])
        assert exact(place(as_customer, key="k")) == exact(refused)
        assert refused.json()["code"] == "too-many-open-orders"

    @pytest.mark.parametrize(
        ("token", "status"), [("tok_ok", 201), ("tok_declined", 402), ("tok_timeout", 202)]
    )
    def test_gets_the_same_answer_of_a_payment(self, as_customer, token, status):
        order = place(as_customer).json()
        first = pay(as_customer, order["id"], token, key="k")
        again = pay(as_customer, order["id"], token, key="k")
        assert first.status_code == status
        assert exact(again) == exact(first)
        assert Payment.objects.count() == 1

    def test_gets_the_refusal_of_a_payment_again(self, as_customer):
        order = place(as_customer).json()
        cancel(as_customer, order["id"])
        first = pay(as_customer, order["id"], key="k")
        assert first.json()["code"] == "state-conflict"
        assert exact(pay(as_customer, order["id"], key="k")) == exact(first)

    def test_is_the_same_body_however_it_is_written(self, as_customer):
        first = as_customer.generic(
            "POST",
            ORDERS,
            '{"lines": [{"sku": "LAMP", "quantity": 1}], "shipping_address": {"name": "A", '
            '"line1": "B", "city": "C", "postal_code": "D", "country": "NL"}}',
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        again = as_customer.generic(
            "POST",
            ORDERS,
            '{"shipping_address":{"country":"NL","name":"\\u0041","line1":"B","city":"C",'
            '"postal_code":"D"},"lines":[{"quantity":1,"sku":"LAMP"}]}',
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        assert first.status_code == 201
        assert exact(again) == exact(first)


class TestOtherBody:
    def test_is_422(self, as_customer):
        place(as_customer, ("LAMP", 1), key="k")
        response = place(as_customer, ("LAMP", 2), key="k")
        assert response.status_code == 422
        assert response.json()["code"] == "idempotency-key-reused"
        assert Order.objects.count() == 1

    def test_is_422_for_a_payment(self, as_customer):
        order = place(as_customer).json()
        pay(as_customer, order["id"], "tok_declined", key="k")
        response = pay(as_customer, order["id"], "tok_ok", key="k")
        assert response.status_code == 422
        assert response.json()["code"] == "idempotency-key-reused"
        assert Payment.objects.count() == 1

    def test_counts_fields_that_are_ignored(self, as_customer):
        place(as_customer, key="k")
        assert place(as_customer, key="k", note="x").json()["code"] == "idempotency-key-reused"


class TestInvalidBody:
    def test_is_not_kept_under_its_key(self, as_customer):
        assert place(as_customer, ("LAMP", 0), key="k").status_code == 400
        assert IdempotencyRecord.objects.count() == 0
        assert place(as_customer, ("LAMP", 1), key="k").status_code == 201


class TestRunning:
    def test_is_409_with_retry_after(self, as_customer):
        place(as_customer, key="k")
        IdempotencyRecord.objects.update(status=None, answered_at=None)
        response = place(as_customer, key="k")
        assert response.status_code == 409
        assert response.json()["code"] == "idempotency-in-progress"
        assert response["Retry-After"] == "1"
        assert Order.objects.count() == 1

    def test_is_422_with_another_body(self, as_customer):
        place(as_customer, ("LAMP", 1), key="k")
        IdempotencyRecord.objects.update(status=None, answered_at=None)
        response = place(as_customer, ("LAMP", 2), key="k")
        assert response.json()["code"] == "idempotency-key-reused"


class TestFinish:
    def test_keeps_the_first_answer(self, as_customer):
        mine = call(as_customer.user_id)
        assert idempotency.claim(mine)
        idempotency.finish_call(mine, Answer(201, b"first"))
        idempotency.finish_call(mine, Answer(409, b"second"))
        assert idempotency.stored_answer(mine) == Answer(201, b"first", {})

    def test_names_the_request_in_a_problem(self, as_customer):
        response = as_customer.post(
            ORDERS,
            order_body(("GHOST", 1)),
            headers={"Idempotency-Key": "k", "X-Request-ID": "the-first"},
        )
        again = as_customer.post(
            ORDERS,
            order_body(("GHOST", 1)),
            headers={"Idempotency-Key": "k", "X-Request-ID": "the-second"},
        )
        assert response.json()["request_id"] == again.json()["request_id"] == "the-first"
        assert again["X-Request-ID"] == "the-second"
        assert again.json()["instance"] == ORDERS
