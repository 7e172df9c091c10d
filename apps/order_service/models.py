"""Orders, payments, and the answers kept for repeated requests."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.order_service.domain import states
from apps.order_service.domain.lines import LONGEST_SKU, MOST_OF_ONE
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from chassis.ids import uuid7


def values(statuses: Iterable[StrEnum]) -> list[str]:
    """Return the plain texts: migrations keep these and depend on no code."""
    return [status.value for status in statuses]


def _money(*, null: bool = False) -> "models.DecimalField[Any, Any]":
    """Return a column that holds 100 lines of 9,999 pieces at any price of the catalog."""
    return models.DecimalField(max_digits=20, decimal_places=2, null=null)


class Order(models.Model):
    """An order. It leaves a status only by one conditional UPDATE that names that status.

    `requested_lines` (objects with sku, quantity, position) is what the customer asked for, kept
    before catalog is asked. `payment_in_flight` is the id of the payment without an outcome: while
    it is set, the order can be neither paid again nor cancelled. `recover_after` is when the
    recovery job looks at a pending order.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=12, unique=True)
    user_id = models.UUIDField()
    status = models.CharField(max_length=10, default=OrderStatus.PENDING.value)
    requested_lines = models.JSONField()
    shipping_address = models.JSONField()
    expected_total = _money(null=True)
    currency = models.CharField(max_length=3)
    subtotal = _money(null=True)
    shipping = _money(null=True)
    tax = _money(null=True)
    total = _money(null=True)
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
    unit_price = _money()
    line_total = _money()

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
    """A change of status: `who` is user:<id>, staff:<id> or job:<name>, `why` is for people."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="history")
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    at = models.DateTimeField(default=timezone.now)
    who = models.CharField(max_length=100)
    why = models.TextField(blank=True)

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


class Payment(models.Model):
    """One attempt to pay; its id is what the provider knows it by.

    The token itself is not kept, only its kind. `settle_after` is when the provider is asked what
    became of a payment without an outcome.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    method = models.CharField(max_length=20)
    token_kind = models.CharField(max_length=20)
    amount = _money()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, default=PaymentStatus.PENDING.value)
    provider_reference = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settle_after = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payment"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=values(PaymentStatus)), name="payment_status_known"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_not_negative"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status=PaymentStatus.SUCCEEDED.value),
                name="payment_one_success_per_order",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=values(states.OPEN_PAYMENT)),
                name="payment_one_open_per_order",
            ),
            models.CheckConstraint(
                condition=Q(status__in=values(states.OPEN_PAYMENT), settle_after__isnull=False)
                | (~Q(status__in=values(states.OPEN_PAYMENT)) & Q(settled_at__isnull=False)),
                name="payment_settled_or_to_settle",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["settle_after"],
                condition=Q(status__in=values(states.OPEN_PAYMENT)),
                name="payment_to_settle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} ({self.status})"


class IdempotencyRecord(models.Model):
    """What was answered to a request, so that the same request gets the same answer.

    The key belongs to one user and one route (method and path). `answered_at` is null while the
    request runs. `order` or `payment` is what the request made, for whoever finishes it after the
    process that began it has died; `request_id` and `traceparent` are those of the request.
    """

    user_id = models.UUIDField()
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="+")
    payment = models.ForeignKey(Payment, null=True, on_delete=models.CASCADE, related_name="+")
    request_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    created_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "idempotency_record"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user_id", "route", "key"], name="idempotency_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True, answered_at__isnull=True)
                | Q(status__isnull=False, answered_at__isnull=False),
                name="idempotency_answered_or_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class Customer(models.Model):
    """Who to write to: a view of auth's users, kept up to date by its events."""

    user_id = models.UUIDField(primary_key=True)
    email = models.TextField()
    name = models.TextField()

    class Meta:
        db_table = "customer"

    def __str__(self) -> str:
        return str(self.user_id)


class SandboxCharge(models.Model):
    """The books of the sandbox provider: one charge per payment id, whoever asks and how often."""

    payment_id = models.UUIDField(primary_key=True)
    amount = _money()
    currency = models.CharField(max_length=3)
    succeeded = models.BooleanField()
    reason = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "sandbox_charge"

    def __str__(self) -> str:
        return f"{self.payment_id} {'succeeded' if self.succeeded else self.reason}"
