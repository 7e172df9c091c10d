"""Products, categories, stock with its ledger, and reservations."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from chassis.ids import uuid7


class Category(models.Model):
    """A node of the category tree."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")

    class Meta:
        db_table = "category"

    def __str__(self) -> str:
        return self.name


class ProductStatus(models.TextChoices):
    """Who sees a product: staff alone, everyone, or again staff alone."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Product(models.Model):
    """What is sold. The price is per piece, in the shop's currency."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sku = models.CharField(max_length=64, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    image_url = models.CharField(max_length=500, default="", blank=True)
    attributes = models.JSONField(default=dict)
    status = models.CharField(
        max_length=10, choices=ProductStatus.choices, default=ProductStatus.ACTIVE
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    search = models.GeneratedField(
        expression=SearchVector("name", weight="A", config="english")
        + SearchVector("description", weight="C", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "product"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=ProductStatus.values), name="product_status_known"
            ),
        ]
        indexes: ClassVar = [
            # One per sort of the list: each page is a walk along its index. The status stands last,
            # so that the walk serves staff too, and skips for others what they may not see.
            models.Index(fields=["price", "id", "status"], name="product_by_price"),
            models.Index(fields=["name", "id", "status"], name="product_by_name"),
            models.Index(fields=["-created_at", "-id", "status"], name="product_by_newest"),
            models.Index(
                fields=["category", "-created_at", "-id", "status"], name="product_by_category"
            ),
            GinIndex(fields=["search"], name="product_search"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="product_name_trigrams"),
        ]

    def __str__(self) -> str:
        return self.sku


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


class StockMovement(models.Model):
    """The ledger: the sums of its columns are the stock."""

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
            # An order reserves, releases and commits a product once.
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


class ReservationStatus(models.TextChoices):
    """What became of a reservation."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


class Reservation(models.Model):
    """Stock promised to an order. Released with no lines it is a tombstone against a late PUT."""

    order_id = models.UUIDField(primary_key=True)
    status = models.CharField(
        max_length=10, choices=ReservationStatus.choices, default=ReservationStatus.RESERVED
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

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


class ProductSales(models.Model):
    """Pieces of a product ordered on a day (UTC)."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="sales")
    date = models.DateField()
    units = models.PositiveIntegerField()

    class Meta:
        db_table = "product_sales"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "date"], name="product_sales_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.units} on {self.date}"
