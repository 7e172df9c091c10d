"""What order tells the audit: every order with its lines, payments and newest event."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command

from apps.order_service.models import Order, Payment
from chassis.models import OutboxEvent
from tests.order_service.factories import act, cancel, pay, place

pytestmark = pytest.mark.django_db(transaction=True)


def told():
    out = StringIO()
    call_command("audit_export", stdout=out)
    rows = map(json.loads, out.getvalue().splitlines())
    return [row for row in rows if row["kind"] == "order"]


class TestOrders:
    def test_are_told_with_lines_and_payments(self, as_customer):
        order_id = place(as_customer, ("CHAIR", 2), ("LAMP", 1), ("CHAIR", 1)).json()["id"]
        pay(as_customer, order_id, "tok_declined")
        pay(as_customer, order_id)
        order = Order.objects.get()
        payments = [
            {"id": str(one.id), "status": one.status, "amount": str(order.total), "currency": "EUR"}
            for one in Payment.objects.order_by("id")
        ]
        (row,) = told()
        assert datetime.fromisoformat(row.pop("at")) == order.paid_at
        assert [row] == [
            {
                "kind": "order",
                "id": order_id,
                "status": "paid",
                "placed": True,
                "paid": True,
                "lines": {"CHAIR": 3, "LAMP": 1},
                "total": str(order.total),
                "currency": "EUR",
                "in_flight": None,
                "payments": payments,
                "event": "order.paid",
                "restock": None,
            }
        ]
        assert [one["status"] for one in payments] == ["declined", "succeeded"]

    def test_that_were_never_placed_have_what_was_asked_for(self, as_customer):
        place(as_customer, ("CHAIR", 6))
        (row,) = told()
        assert (row["status"], row["placed"], row["lines"]) == ("rejected", False, {"CHAIR": 6})
        assert (row["total"], row["payments"], row["event"]) == (None, [], "order.rejected")

    def test_that_are_pending_have_no_event(self, as_customer, catalog):
        catalog.lose_answer = True
        place(as_customer)
        (row,) = told()
        assert (row["status"], row["event"]) == ("pending", None)

    def test_name_the_payment_in_flight(self, as_customer):
        order_id = place(as_customer).json()["id"]
        pay(as_customer, order_id, "tok_timeout")
        (row,) = told()
        assert row["in_flight"] == row["payments"][0]["id"] == str(Payment.objects.get().id)

    @pytest.mark.parametrize("restock", [True, False])
    def test_say_whether_refunded_goods_came_back(self, as_customer, as_staff, restock):
        order_id = place(as_customer).json()["id"]
        pay(as_customer, order_id)
        act(as_staff, order_id, "refund", restock=restock)
        assert [(row["restock"], row["event"]) for row in told()] == [(restock, "order.refunded")]
        OutboxEvent.objects.all().delete()
        assert [(row["restock"], row["event"]) for row in told()] == [(None, None)]

    def test_follow_each_other_by_id(self, as_customer):
        ids = [place(as_customer).json()["id"] for _ in range(3)]
        cancel(as_customer, ids[0])
        assert [row["id"] for row in told()] == sorted(ids)
