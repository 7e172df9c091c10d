"""Products, their categories, prices and sales."""

from typing import ClassVar, Final

from django.contrib.postgres.indexes import GinIndex, GistIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone
from django_ltree.fields import PathField

from chassis.ids import uuid7


class Category(models.Model):
    """A node of the category tree."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    path = PathField(default="", db_default="", editable=False)
    """The ids from the top down to itself, as hexadecimal labels. The database keeps it (ADR 0023)."""

    class Meta:
        db_table = "category"
        verbose_name_plural = "categories"
        indexes: ClassVar = [GistIndex(fields=["path"], name="category_by_path")]

    def __str__(self) -> str:
        return self.name


class ProductStatus(models.TextChoices):
    """Who sees a product: staff alone, everyone, or again staff alone."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


# By the configuration that follows SEARCH_LANGUAGE (services.search): a name counts most.
_SEARCHED: Final = (
    "setweight(to_tsvector('souk'::regconfig, name), 'A') || "
    "setweight(jsonb_to_tsvector('souk'::regconfig, attributes, '[\"string\"]'), 'B') || "
    "setweight(to_tsvector('souk'::regconfig, description), 'C')"
)


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
    popularity = models.PositiveIntegerField(default=0, db_default=0)
    """Pieces ordered lately; a timed job counts them."""
    version = models.PositiveIntegerField(default=1, db_default=1)
    """Rises with each change by staff or an import: what If-Match names."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    search = models.GeneratedField(
        expression=RawSQL(_SEARCHED, ()),  # noqa: S611 -- a constant
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
            models.Index(fields=["-popularity", "-id", "status"], name="product_by_popularity"),
            models.Index(
                fields=["category", "-created_at", "-id", "status"], name="product_by_category"
            ),
            # Together: words beside an attribute or a category are one short look-up (ADR 0022).
            GinIndex(
                fields=["search", "attributes", "category"],
                opclasses=["tsvector_ops", "jsonb_path_ops", "uuid_ops"],
                name="product_words",
            ),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="product_name_trigrams"),
            models.Index(
                OpClass(Lower("name"), name="text_pattern_ops"), name="product_name_prefix"
            ),
        ]

    def __str__(self) -> str:
        return self.sku


class PriceChange(models.Model):
    """The history of a product's price: what it cost from then on."""

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="price_changes")
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "price_change"
        indexes: ClassVar = [models.Index(fields=["product", "id"], name="price_change_by_product")]

    def __str__(self) -> str:
        return f"{self.price} {self.currency}"


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
        indexes: ClassVar = [models.Index(fields=["date", "product"], name="product_sales_by_date")]

    def __str__(self) -> str:
        return f"{self.units} on {self.date}"
