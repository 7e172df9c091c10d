"""Products as they are sent and answered."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service import conf
from apps.catalog_service.domain.pictures import is_image_url
from apps.catalog_service.models import ProductStatus
from apps.catalog_service.serializers.fields import (
    AttributesField,
    PriceField,
    SkuField,
    TextSlugField,
)
from apps.catalog_service.serializers.stock import StockOutput
from chassis.fields import MoneyField, TextField
from chassis.openapi import example


@example(
    {
        "sku": "LMP-900",
        "name": "Reading Lamp, Brass",
        "category": "lamps-and-lanterns",
        "price": "39.50",
        "status": "active",
        "description": "Leans over a book, and stays where it is put.",
        "attributes": {"color": "brass", "weight_g": 900},
    }
)
class ProductInput(serializers.Serializer[Any]):
    """A new product."""

    sku = SkuField(help_text="Never changes")
    name = TextField(max_length=200)
    category = TextSlugField(help_text="Slug")
    price = PriceField()
    currency = TextField(max_length=3, required=False)
    status = serializers.ChoiceField(choices=ProductStatus.choices, required=False)
    description = TextField(max_length=20_000, required=False, allow_blank=True)
    attributes = AttributesField(required=False)
    image_url = TextField(max_length=500, required=False, allow_blank=True)
    slug = TextSlugField(
        max_length=120, required=False, help_text="By default made of the name; then unique"
    )

    def validate_currency(self, value: str) -> str:
        if value != conf.currency():
            raise serializers.ValidationError(f"the shop's currency is {conf.currency()}")
        return value

    def validate_image_url(self, value: str) -> str:
        if value and not is_image_url(value):
            raise serializers.ValidationError("must be an http(s) URL or a path under /media/")
        return value


@example({"price": "36.00"})
class ProductPatch(ProductInput):
    """Changed fields of a product. What was read may be sent back: the sku is there, and stays."""

    sku = SkuField(required=False, help_text="Never changes: another one is refused")


@example(
    {
        "id": "019b76da-a800-7000-8000-000000000001",
        "sku": "LMP-001",
        "name": "Mosaic Hanging Lamp, Turquoise",
        "slug": "mosaic-hanging-lamp-turquoise",
        "description": "A glass globe covered with cut pieces of blue and green glass.",
        "category": "lamps-and-lanterns",
        "price": "58.00",
        "currency": "EUR",
        "image_url": "/media/catalog/mosaic-hanging-lamp-turquoise.svg",
        "attributes": {"color": "turquoise", "weight_g": 1100},
        "status": "active",
        "in_stock": True,
        "available": 10,
        "created_at": "2026-01-02T03:04:05.000000Z",
        "updated_at": "2026-01-02T03:04:05.000000Z",
    }
)
class ProductOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField(help_text="Slug")
    price = MoneyField()
    currency = serializers.CharField()
    image_url = serializers.CharField()
    attributes = serializers.DictField()
    status = serializers.ChoiceField(choices=ProductStatus.choices)
    in_stock = serializers.BooleanField()
    available = serializers.IntegerField(
        help_text="Pieces, shown up to a number that the shop sets; staff see all"
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    stock = StockOutput(required=False, help_text="Staff only")
