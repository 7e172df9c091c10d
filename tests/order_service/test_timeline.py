"""What an order's timeline tells, and to whom."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.order_service import selectors, services
from apps.order_service.models import (
    IdempotencyRecord,
    Order,
    OrderCall,
    OrderHistory,
    Payment,
    WebhookMessage,
)
from apps.order_service.services import calls
from chassis.ids import uuid7
from chassis.models import InboxEvent, OutboxEvent
from tests.order_service.factories import ORDERS, cancel, pay, place
from tests.order_service.test_api import problem_of

pytestmark = pytest.mark.django_db


def entries(client: Any, order_id: Any, *kinds: str) -> list[Any]:
    """Return the entries of a timeline that are of these kinds, or all."""
    response = client.get(f"{ORDERS}/{order_id}/timeline")
    assert response.status_code == 200, response.json()
    return [e for e in response.json()["results"] if not kinds or e["kind"] in kinds]


def told(client: Any, order_id: Any, *kinds: str) -> list[tuple[str, str, str]]:
    return [(e["what"], e["who"], e["detail"]) for e in entries(client, order_id, *kinds)]


def paid_and_more(customer: Any) -> Order:
    """Make an order with every kind of entry."""
    order = Order.objects.get(id=place(customer).json()["id"])
    pay(customer, order.id, "tok_declined")
    pay(customer, order.id)
    payment = Payment.objects.get(order=order, status="succeeded")
    now = timezone.now()
    WebhookMessage.objects.create(
        id="msg-1",
        type="payment.succeeded",
        payment=payment,
        sent_at=now,
        received_at=now,
        effect="nothing: it was known",
        request_id="of-the-provider",
    )
    InboxEvent.objects.create(
        consumer="order.mail",
        event_id=OutboxEvent.objects.get(subject=str(order.id), type="order.placed").id,
        type="order.placed",
        subject=str(order.id),
        envelope={"requestid": "of-the-event"},
        handled_at=now,
        effect="mail sent",
    )
    return order


class TestTimeline:
    def test_tells_states_calls_payments_and_events_oldest_first(self, as_customer, as_staff):
        order = paid_and_more(as_customer)
        me = f"user:{as_customer.user_id}"
        found = entries(as_staff, order.id)
        assert [e["at"] for e in found] == sorted(e["at"] for e in found)
        assert {e["kind"] for e in found} == {kind.value for kind in selectors.EntryKind}
        statuses = [(e["what"], e["who"]) for e in found if e["kind"] == "status"]
        assert statuses == [("pending", me), ("placed", me), ("paid", me)]
        assert [e["what"] for e in found if e["kind"] == "payment"] == [
            *("begun", "declined"),
            *("begun", "succeeded"),
        ]
        assert told(as_staff, order.id, "event")[:2] == [
            ("order.placed", "order", "not published yet"),
            ("order.paid", "order", "not published yet"),
        ]
        (call,) = told(as_staff, order.id, "call")
        assert call[:2] == ("catalog.reserve", "order")
        assert call[2].startswith("reserved, ")

    def test_tells_the_request_of_each(self, as_customer, as_staff):
        response = place(as_customer)
        order_id = response.json()["id"]
        paying = pay(as_customer, order_id)
        by_request: dict[str, set[str]] = {}
        for entry in entries(as_staff, order_id):
            by_request.setdefault(entry["request_id"], set()).add(entry["what"])
        assert by_request[response["X-Request-ID"]] >= {"order.placed", "catalog.reserve"}
        assert by_request[paying["X-Request-ID"]] >= {"order.paid", "begun", "succeeded"}

    def test_tells_staff_what_handlers_and_the_provider_said(self, as_customer, as_staff):
        order = paid_and_more(as_customer)
        assert told(as_staff, order.id, "message") == [
            ("payment.succeeded", "provider", "nothing: it was known")
        ]
        assert ("order.placed", "order.mail", "mail sent") in told(as_staff, order.id, "event")

    @pytest.mark.parametrize(
        ("columns", "detail"),
        [
            pytest.param({}, "received", id="received"),
            pytest.param({"attempts": 3}, "failed 3 times, to be tried again", id="failed"),
            pytest.param(
                {"attempts": 8, "dead_at": timezone.now()}, "given up after 8 attempts", id="dead"
            ),
        ],
    )
    def test_tells_staff_how_a_handler_fails_without_the_trace(
        self, as_customer, as_staff, columns, detail
    ):
        order_id = place(as_customer).json()["id"]
        InboxEvent.objects.create(
            consumer="order.mail",
            event_id=uuid7(),
            type="order.placed",
            subject=order_id,
            envelope={},
            error="Traceback of something secret",
            **columns,
        )
        assert ("order.placed", "order.mail", detail) in told(as_staff, order_id, "event")
        assert "secret" not in json.dumps(entries(as_staff, order_id))

    def test_counts_calls_of_one_outcome(self, as_customer, as_staff, catalog):
        catalog.down = True
        order_id = place(as_customer).json()["id"]
        for seconds in (10, 20):
            services.recover_orders(now=timezone.now() + timedelta(seconds=seconds))
        catalog.down = False
        services.recover_orders(now=timezone.now() + timedelta(seconds=30))
        lost, had = told(as_staff, order_id, "call")
        assert lost[2].startswith("unavailable, ")
        assert ", 3 times until " in lost[2]
        assert had[2].startswith("reserved, ")
        assert [e["what"] for e in entries(as_staff, order_id, "status")] == ["pending", "placed"]

    def test_tells_of_the_release_of_what_was_reserved(self, as_customer, as_staff):
        place(as_customer, expected_total="1.00")
        order_id = Order.objects.get(status="rejected").id
        called = [
            (what, detail.split(",")[0]) for what, _, detail in told(as_staff, order_id, "call")
        ]
        assert called == [("catalog.reserve", "reserved"), ("catalog.release", "released")]


class TestCustomersTimeline:
    def test_names_nobody_of_the_shop_and_nothing_inside(self, as_customer, as_staff):
        order = paid_and_more(as_customer)
        OrderHistory.objects.create(
            order=order,
            from_status="paid",
            to_status="shipped",
            who=f"staff:{as_staff.user_id}",
            why="a note among us",
        )
        text = json.dumps(entries(as_customer, order.id))
        for hidden in (
            str(as_staff.user_id),
            "a note among us",
            "order.mail",
            "mail sent",
            "it was known",
            "sandbox-",  # the provider's reference
            " ms",
        ):
            assert hidden not in text, hidden
            assert hidden in json.dumps(entries(as_staff, order.id)), hidden
        assert ("shipped", "the shop", "") in told(as_customer, order.id, "status")

    def test_keeps_what_one_did_oneself(self, as_customer):
        order_id = place(as_customer).json()["id"]
        cancel(as_customer, order_id)
        last = told(as_customer, order_id, "status")[-1]
        assert last[:2] == ("cancelled", "customer")
        assert last[2]

    def test_tells_why_the_shop_could_not_place_it(self, as_customer):
        order = Order.objects.get(id=place(as_customer).json()["id"])
        OrderHistory.objects.create(
            order=order,
            from_status="pending",
            to_status="rejected",
            who="job:recovery",
            why="price-changed",
        )
        assert told(as_customer, order.id, "status")[-1][2] == "price-changed"

    def test_of_another_is_404(self, as_customer, client_as):
        order_id = place(client_as("customer")).json()["id"]
        problem_of(as_customer.get(f"{ORDERS}/{order_id}/timeline"), 404, "not-found")


class TestCost:
    def test_is_as_many_queries_whatever_happened(self, as_customer, django_assert_num_queries):
        new = Order.objects.get(id=place(as_customer).json()["id"])
        old = paid_and_more(as_customer)
        for order in (new, old):
            with django_assert_num_queries(7):
                selectors.timeline(order, for_staff=True)
            with django_assert_num_queries(5):
                selectors.timeline(order, for_staff=False)

    def test_is_bounded(self, as_customer):
        order = Order.objects.get(id=place(as_customer).json()["id"])
        now = timezone.now()
        Payment.objects.bulk_create(
            Payment(
                order=order,
                method="card",
                token_kind="other",
                amount=order.total,
                currency="EUR",
                status="declined",
                settled_at=now,
            )
            for _ in range(selectors.MOST_OF_A_KIND + 5)
        )
        latest = Payment.objects.latest("id")
        found = [e for e in selectors.timeline(order, for_staff=True) if e.kind == "payment"]
        assert len(found) == 2 * selectors.MOST_OF_A_KIND
        assert latest.created_at in {entry.at for entry in found}

    def test_does_without_answers_that_are_forgotten(self, as_customer):
        order = paid_and_more(as_customer)
        IdempotencyRecord.objects.all().delete()
        begun = [e for e in selectors.timeline(order, for_staff=True) if e.what == "begun"]
        assert [entry.request_id for entry in begun] == ["", ""]


class TestRecordingCalls:
    def test_counts_and_keeps_the_first_and_the_last(self, as_customer):
        order_id = Order.objects.get(id=place(as_customer).json()["id"]).id
        first = calls.RemoteCall(order_id, calls.RELEASE, calls.UNAVAILABLE, 7)
        calls.record(first)
        calls.record(calls.RemoteCall(order_id, calls.RELEASE, calls.UNAVAILABLE, 9))
        row = OrderCall.objects.get(order_id=order_id, operation=calls.RELEASE)
        assert (row.times, row.milliseconds) == (2, 9)
        assert row.first_at < row.last_at
