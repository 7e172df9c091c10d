"""What catalog tells the audit: every reservation, and stock that does not sum up."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command

from apps.catalog_service.models import Reservation, Stock
from apps.catalog_service.services import reservations
from chassis.ids import uuid7
from tests.catalog_service.factories import product, reserve

pytestmark = pytest.mark.django_db(transaction=True)


def told(kind):
    out = StringIO()
    call_command("audit_export", stdout=out)
    rows = map(json.loads, out.getvalue().splitlines())
    return [row for row in rows if row["kind"] == kind]


class TestReservations:
    def test_are_told_with_their_lines(self, order):
        made, other, order_id = product(5), product(5), uuid7()
        reserve(order, (made.sku, 2), (other.sku, 1), order_id=order_id)
        (row,) = told("reservation")
        assert datetime.fromisoformat(row.pop("at")) == Reservation.objects.get().created_at
        assert [row] == [
            {
                "kind": "reservation",
                "order": str(order_id),
                "status": "reserved",
                "is_cancelled": False,
                "lines": {made.sku: 2, other.sku: 1},
            }
        ]

    def test_are_told_with_the_time_of_their_end_and_by_id(self, order):
        made, ids = product(5), [uuid7() for _ in range(3)]
        for order_id in reversed(ids):
            reserve(order, (made.sku, 1), order_id=order_id)
        reservations.release_reservation(order_id=ids[1])
        rows = told("reservation")
        assert [row["order"] for row in rows] == [str(one) for one in ids]
        ended = Reservation.objects.get(order_id=ids[1])
        assert rows[1]["status"] == "released"
        assert datetime.fromisoformat(rows[1]["at"]) == ended.closed_at

    def test_are_told_if_they_are_tombstones(self):
        order_id = uuid7()
        reservations.release_reservation(order_id=order_id)
        (row,) = told("reservation")
        assert (row["order"], row["status"], row["lines"]) == (str(order_id), "released", {})


class TestStock:
    def test_that_sums_up_is_counted(self):
        product(5)
        product(0)
        assert told("ledger") == [{"kind": "ledger", "products": 2}]
        assert told("stock") == []

    def test_that_does_not_is_told(self):
        made = product(5)
        Stock.objects.filter(product=made).update(on_hand=4)
        (row,) = told("stock")
        assert (row["product_id"], row["sku"]) == (str(made.id), made.sku)
        assert (row["on_hand"], row["ledger_on_hand"]) == (4, 5)
