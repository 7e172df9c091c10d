"""Orders, their lines, and what happened to them."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.order_service.domain import states
from apps.order_service.domain.lines import LONGEST_SKU, MOST_OF_ONE
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models.columns import money, values
from chassis.ids import uuid7


class Order(models.Model):
    """An order. It leaves a status only by one conditional UPDATE that names that status.

    `requested_lines` (objects with sku, quantity, position) is what the customer asked for, kept
    before catalog is asked. `payment_in_flight` is the id of the payment without an outcome: while
    it is set, the order can be neither paid again nor cancelled. `recover_after` is when the
    recovery job looks at a pending order. What came `from_cart` goes back there if the order cannot
    be placed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=12, unique=True)
    user_id = models.UUIDField()
    status = models.CharField(max_length=10, default=OrderStatus.PENDING.value)
    requested_lines = models.JSONField()
    shipping_address = models.JSONField()
    expected_total = money(null=True)
    from_cart = models.BooleanField(default=False, db_default=False)
    currency = models.CharField(max_length=3)
    subtotal = money(null=True)
    shipping = money(null=True)
    tax = money(null=True)
    total = money(null=True)
    payment_in_flight = models.UUIDField(null=True)
    recover_after = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    placed_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=values(OrderStatus)), name="orders_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=values(states.UNPRICED))
                | Q(
                    subtotal__isnull=False,
                    shipping__isnull=False,
                    tax__isnull=False,
                    total__isnull=False,
                    placed_at__isnull=False,
                    expires_at__isnull=False,
                ),
                name="orders_priced_once_placed",
            ),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") + F("shipping") + F("tax")),
                name="orders_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, shipping__gte=0, tax__gte=0),
                name="orders_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=values(states.PAID_FOR)) | Q(paid_at__isnull=False),
                name="orders_paid_at_known",
            ),
            models.CheckConstraint(
                condition=Q(payment_in_flight__isnull=True) | Q(status=OrderStatus.PLACED.value),
                name="orders_payment_only_while_placed",
            ),
            models.CheckConstraint(
                condition=Q(recover_after__isnull=False, status=OrderStatus.PENDING.value)
                | (Q(recover_after__isnull=True) & ~Q(status=OrderStatus.PENDING.value)),
                name="orders_recovered_while_pending",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "id"], name="orders_of_user"),
            models.Index(fields=["status", "id"], name="orders_by_status"),
            models.Index(
                fields=["user_id"],
                condition=Q(status__in=values(states.UNPAID)),
                name="orders_open_of_user",
            ),
            models.Index(
                fields=["recover_after"],
                condition=Q(status=OrderStatus.PENDING.value),
                name="orders_to_recover",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=OrderStatus.PLACED.value),
                name="orders_to_expire",
            ),
            models.Index(
                fields=["placed_at"],
                condition=Q(placed_at__isnull=False),
                name="orders_placed",
            ),
            models.Index(
                fields=["paid_at"],
                include=["total"],
                condition=Q(paid_at__isnull=False),
                name="orders_paid",
            ),
            GinIndex(fields=["requested_lines"], opclasses=["jsonb_path_ops"], name="orders_lines"),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.status})"


class OrderLine(models.Model):
    """A line with the name and price that catalog promised when the order was placed."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    sku = models.CharField(max_length=LONGEST_SKU)
    name = models.TextField()
    quantity = models.PositiveIntegerField()
    unit_price = money()
    line_total = money()

    class Meta:
        db_table = "order_line"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "sku"], name="order_line_once_per_sku"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MOST_OF_ONE),
                name="order_line_quantity_in_range",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, line_total=F("unit_price") * F("quantity")),
                name="order_line_total_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class OrderHistory(models.Model):
    """A change of status: `why` is for people.

    `who` is user:<id>, staff:<id>, job:<name> or provider:<name>.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="history")
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    at = models.DateTimeField(default=timezone.now)
    who = models.CharField(max_length=100)
    why = models.TextField(blank=True)
    request_id = models.CharField(max_length=128, default="", db_default="")

    class Meta:
        db_table = "order_history"
        verbose_name_plural = "order history"
        constraints: ClassVar = [
            # No way of the state machine comes back to a status: a second arrival is a defect.
            models.UniqueConstraint(
                fields=["order", "to_status"], name="order_history_once_per_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} -> {self.to_status}"


class OrderCall(models.Model):
    """Calls to another service about an order that had the same outcome: the first, the last, how many.

    Kept for people, written with what came of the call: one whose process died at once is missing.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="calls")
    service = models.CharField(max_length=20)
    operation = models.CharField(max_length=20)
    outcome = models.CharField(max_length=40)
    times = models.PositiveIntegerField(default=1)
    milliseconds = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    request_id = models.CharField(max_length=128)

    class Meta:
        db_table = "order_call"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order", "service", "operation", "outcome"],
                name="order_call_once_per_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.operation}: {self.outcome}"
