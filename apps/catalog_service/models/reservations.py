"""Stock promised to orders."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.catalog_service.models.products import Product


class ReservationStatus(models.TextChoices):
    """What became of a reservation: sold is `committed`, and `returned` if that order ended after all."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"
    RETURNED = "returned"


class Reservation(models.Model):
    """Stock promised to an order. Released with no lines it is a tombstone against a late PUT."""

    order_id = models.UUIDField(primary_key=True)
    status = models.CharField(
        max_length=10, choices=ReservationStatus.choices, default=ReservationStatus.RESERVED
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    is_cancelled = models.BooleanField(default=False, db_default=False)
    """Order has said that the order is cancelled: a payment told of later takes nothing (ADR 0025)."""

    class Meta:
        db_table = "reservation"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=ReservationStatus.values), name="reservation_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=ReservationStatus.RESERVED, closed_at=None)
                | (~Q(status=ReservationStatus.RESERVED) & Q(closed_at__isnull=False)),
                name="reservation_closed_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=Q(status=ReservationStatus.RESERVED),
                name="reservation_open_by_age",
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.status}"


class ReservationLine(models.Model):
    """One product of a reservation, with name and price as they were promised."""

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "reservation_line"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reservation", "product"], name="reservation_line_once_per_product"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="reservation_line_of_some"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku}"
