"""Stock, and the ledger of its movements."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.catalog_service.models.products import Product


class Stock(models.Model):
    """How many pieces of a product there are, and how many of them are promised."""

    product = models.OneToOneField(
        Product, primary_key=True, on_delete=models.PROTECT, related_name="stock"
    )
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        db_table = "stock"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on_hand} on hand, {self.reserved} of them reserved"


class MovementKind(models.TextChoices):
    """Why stock moved."""

    INITIAL = "initial"
    ADJUSTED = "adjusted"
    RESERVED = "reserved"
    RELEASED = "released"
    COMMITTED = "committed"
    RETURNED = "returned"


class StockMovement(models.Model):
    """The ledger: the sums of its columns are the stock. A trigger keeps its rows as they are."""

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=MovementKind.choices)
    on_hand = models.IntegerField()
    reserved = models.IntegerField()
    order_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=100)
    reason = models.CharField(max_length=200, default="", blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "stock_movement"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=MovementKind.values), name="stock_movement_kind_known"
            ),
            # An order reserves, releases, commits and returns a product once.
            models.UniqueConstraint(
                fields=["order_id", "product", "kind"],
                condition=Q(order_id__isnull=False),
                name="stock_movement_once_per_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["product", "id"], name="stock_movement_by_product")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.on_hand:+} on hand, {self.reserved:+} reserved"
