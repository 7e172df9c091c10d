"""The answers kept for repeated requests."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.order_service.models.orders import Order
from apps.order_service.models.payments import Payment


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
