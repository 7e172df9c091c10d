"""The database refuses what the code should never ask for."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Order, OrderLine, Payment
from chassis.ids import uuid7
from tests.order_service.factories import ADDRESS

pytestmark = pytest.mark.django_db


def make_order(**changes: Any) -> Order:
    now = timezone.now()
    values: dict[str, Any] = {
        "number": str(uuid7())[-12:],
        "user_id": uuid7(),
        "status": OrderStatus.PLACED,
        "requested_lines": [],
        "shipping_address": ADDRESS,
        "currency": "EUR",
        "subtotal": Decimal("10.00"),
        "shipping": Decimal("4.90"),
        "tax": Decimal("1.00"),
        "total": Decimal("15.90"),
        "placed_at": now,
        "expires_at": now + timedelta(minutes=15),
    }
    return Order.objects.create(**values | changes)


def make_payment(order: Order, status: str) -> Payment:
    now = timezone.now()
    is_open = status in {"pending", "unknown"}
    return Payment.objects.create(
        order=order,
        method="sandbox",
        token_kind="tok_ok",
        amount=order.total,
        currency="EUR",
        status=status,
        settle_after=now if is_open else None,
        settled_at=None if is_open else now,
    )


class TestOrder:
    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"status": "lost"}, "orders_status_known"),
            ({"total": Decimal("15.91")}, "orders_total_adds_up"),
            (
                {"shipping": Decimal("-4.90"), "total": Decimal("6.10")},
                "orders_amounts_not_negative",
            ),
            ({"total": None}, "orders_priced_once_placed"),
            ({"expires_at": None}, "orders_priced_once_placed"),
            ({"status": "paid"}, "orders_paid_at_known"),
            ({"status": "pending"}, "orders_recovered_while_pending"),
            ({"recover_after": timezone.now()}, "orders_recovered_while_pending"),
            (
                {"status": "cancelled", "payment_in_flight": uuid7()},
                "orders_payment_only_while_placed",
            ),
        ],
    )
    def test_is_refused_when_it_contradicts_itself(self, changes, constraint):
        with pytest.raises(IntegrityError, match=constraint):
            make_order(**changes)

    def test_has_a_number_of_its_own(self):
        make_order(number="7K3M-9QXT")
        with pytest.raises(IntegrityError, match="number"):
            make_order(number="7K3M-9QXT")


class TestOrderLine:
    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"quantity": 0, "line_total": Decimal(0)}, "order_line_quantity_in_range"),
            ({"quantity": 10000, "line_total": Decimal(50000)}, "order_line_quantity_in_range"),
            ({"line_total": Decimal("10.01")}, "order_line_total_adds_up"),
        ],
    )
    def test_is_refused_when_it_does_not_add_up(self, changes, constraint):
        values = {
            "order": make_order(),
            "position": 0,
            "sku": "LAMP",
            "name": "Lamp",
            "quantity": 2,
            "unit_price": Decimal("5.00"),
            "line_total": Decimal("10.00"),
        }
        OrderLine.objects.create(**values)
        with pytest.raises(IntegrityError, match=constraint):
            OrderLine.objects.create(**values | {"sku": "OTHER"} | changes)

    def test_holds_the_dearest_order_there_can_be(self):
        order = make_order()
        line = OrderLine.objects.create(
            order=order,
            position=0,
            sku="GOLD",
            name="Gold",
            quantity=9999,
            unit_price=Decimal("9999999999.99"),
            line_total=9999 * Decimal("9999999999.99"),
        )
        line.refresh_from_db()
        assert str(line.line_total) == "99989999999900.01"


class TestPayment:
    def test_succeeds_once_per_order(self):
        order = make_order()
        make_payment(order, "declined")
        make_payment(order, "succeeded")
        with pytest.raises(IntegrityError, match="payment_one_success_per_order"):
            make_payment(order, "succeeded")

    @pytest.mark.parametrize("status", ["pending", "unknown"])
    def test_is_open_once_per_order(self, status):
        order = make_order()
        make_payment(order, "pending")
        with pytest.raises(IntegrityError, match="payment_one_open"):
            make_payment(order, status)
