"""Carts, and what is known of products without asking catalog."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.order_service.domain.lines import LONGEST_SKU, MOST_OF_ONE
from apps.order_service.models.columns import money


class CartItem(models.Model):
    """A product in a user's cart."""

    user_id = models.UUIDField()
    sku = models.CharField(max_length=LONGEST_SKU)
    quantity = models.PositiveIntegerField()
    added_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "cart_item"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user_id", "sku"], name="cart_item_once_per_sku"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MOST_OF_ONE),
                name="cart_item_quantity_in_range",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="cart_item_age")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class KnownProduct(models.Model):
    """The last known values of a product, for carts while catalog is unreachable.

    Catalog's events keep it: name and slug as of `described_sequence`, status as of
    `status_sequence`, price and currency as of `priced_sequence`, the event's number among those of
    its product; an older one changes nothing. What no event has told yet is null, or what catalog
    last answered. `available` and `seen_at` are of the last answer alone.
    """

    sku = models.CharField(primary_key=True, max_length=LONGEST_SKU)
    name = models.TextField(null=True)  # noqa: DJ001 -- not known is not the same as empty
    slug = models.TextField(null=True)  # noqa: DJ001
    image_url = models.TextField(default="")
    status = models.CharField(max_length=10, null=True)  # noqa: DJ001
    described_sequence = models.BigIntegerField(default=0)
    status_sequence = models.BigIntegerField(default=0)
    price = money(null=True)
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001
    priced_sequence = models.BigIntegerField(default=0)
    available = models.PositiveIntegerField(null=True)
    seen_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "known_product"

    def __str__(self) -> str:
        return self.sku
