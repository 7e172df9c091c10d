"""Payments, and what payment providers tell and keep."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.order_service.domain import states
from apps.order_service.domain.states import PaymentStatus
from apps.order_service.models.columns import money, values
from apps.order_service.models.orders import Order
from chassis.ids import uuid7


class Payment(models.Model):
    """One attempt to pay; its id is what the provider knows it by.

    `provider` is who took the money, which `method` alone does not say: the shop may change over to
    another. The token itself is not kept, only its kind. `settle_after` is when the provider is
    asked what became of a payment without an outcome, `refund_after` when it is asked to give back
    what it took.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    method = models.CharField(max_length=20)
    provider = models.CharField(max_length=20, default="sandbox", db_default="sandbox")
    token_kind = models.CharField(max_length=20)
    amount = money()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, default=PaymentStatus.PENDING.value)
    provider_reference = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settle_after = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    refund_after = models.DateTimeField(null=True)
    refund_reference = models.CharField(max_length=200, blank=True, default="", db_default="")
    refunded_at = models.DateTimeField(null=True)

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
            models.CheckConstraint(
                condition=Q(status=PaymentStatus.REFUNDING.value, refund_after__isnull=False)
                | (~Q(status=PaymentStatus.REFUNDING.value) & Q(refund_after__isnull=True)),
                name="payment_refunded_or_to_refund",
            ),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.REFUNDED.value) | Q(refunded_at__isnull=False),
                name="payment_refunded_at_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["settle_after"],
                condition=Q(status__in=values(states.OPEN_PAYMENT)),
                name="payment_to_settle",
            ),
            models.Index(
                fields=["refund_after"],
                condition=Q(status=PaymentStatus.REFUNDING.value),
                name="payment_to_refund",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} ({self.status})"


class WebhookMessage(models.Model):
    """A message of the payment provider that was taken: its id is taken once.

    `sent_at` is the time in its signature; the same message sent anew carries a later one.
    """

    id = models.CharField(primary_key=True, max_length=200)
    type = models.CharField(max_length=40)
    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="messages")
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    times = models.PositiveIntegerField(default=1)
    effect = models.CharField(max_length=100)
    request_id = models.CharField(max_length=128)

    class Meta:
        db_table = "webhook_message"
        indexes: ClassVar = [models.Index(fields=["received_at"], name="webhook_message_age")]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class SandboxCharge(models.Model):
    """The books of the sandbox provider: one charge per payment id, whoever asks and how often."""

    payment_id = models.UUIDField(primary_key=True)
    amount = money()
    currency = models.CharField(max_length=3)
    succeeded = models.BooleanField()
    reason = models.CharField(max_length=100)
    refunded = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "sandbox_charge"

    def __str__(self) -> str:
        return f"{self.payment_id} {'succeeded' if self.succeeded else self.reason}"
