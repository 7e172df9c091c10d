"""Shapes of requests and answers. Nothing is saved here."""

import re
from decimal import Decimal
from typing import Any, Final

from django.core.validators import MaxValueValidator, RegexValidator
from rest_framework import serializers

from apps.catalog_service import conf
from apps.catalog_service.models import ProductStatus
from apps.catalog_service.selectors import SORTS
from chassis import json
from chassis.fields import MoneyField, TextField, WholeNumberField

_SKU: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:-]*\Z")
_HIGHEST_PRICE: Final = Decimal("9999999999.99")
_LARGEST_ADJUSTMENT: Final = 1_000_000


class TextSlugField(TextField, serializers.SlugField):
    """A slug as a JSON string."""


class SkuField(TextField):
    """What a product is called by other systems; safe in a URL and in a file's name."""

    default_error_messages = {"invalid": "must be a string of letters, digits and . _ : -"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)
        self.validators.append(RegexValidator(_SKU, self.error_messages["invalid"]))


class AttributesField(serializers.DictField):
    """A JSON object that every later reader can hold: not deep, not long."""

    default_error_messages = {
        "too_deep": f"must not be nested deeper than {conf.DEEPEST_ATTRIBUTES}",
        "too_long": f"must be at most {conf.LONGEST_ATTRIBUTES} bytes of JSON",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if _is_deeper(data, conf.DEEPEST_ATTRIBUTES):
            self.fail("too_deep")
        if len(json.encode(data)) > conf.LONGEST_ATTRIBUTES:
            self.fail("too_long")
        return data


def _is_deeper(value: Any, depth: int) -> bool:
    inner = list(value.values()) if isinstance(value, dict) else value
    return isinstance(inner, list) and (
        depth == 0 or any(_is_deeper(entry, depth - 1) for entry in inner)
    )


class PriceField(MoneyField):
    """An amount that fits a product's price."""

    default_validators = [MaxValueValidator(_HIGHEST_PRICE)]


class ProductFilterSerializer(serializers.Serializer[Any]):
    """Query parameters of the list. An empty one is as good as none: forms send those."""

    q = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Words to search for"
    )
    category = serializers.SlugField(required=False, help_text="Slug; sub-categories count too")
    min_price = PriceField(required=False)
    max_price = PriceField(required=False)
    in_stock = serializers.BooleanField(required=False, default=None, allow_null=True)
    sort = serializers.ChoiceField(
        choices=list(SORTS),
        required=False,
        help_text="By default relevance with q, else -created_at",
    )

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({name: text for name, text in data.items() if text})

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("sort") == "relevance" and not attrs.get("q"):
            raise serializers.ValidationError({"sort": "relevance needs q"})
        return attrs


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
        if value and not value.startswith(("https://", "http://", "/media/")):
            raise serializers.ValidationError("must be an http(s) URL or a path under /media/")
        return value


class ProductPatch(ProductInput):
    """Changed fields of a product; the sku stays."""

    sku = None  # type: ignore[assignment]


class StockOutput(serializers.Serializer[Any]):
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()


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
        help_text=f"Pieces, shown up to {conf.SHOWN_AVAILABLE}; staff see all"
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    stock = StockOutput(required=False, help_text="Staff only")


class ProductListOutput(serializers.Serializer[Any]):
    results = ProductOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class AdjustmentInput(serializers.Serializer[Any]):
    quantity = WholeNumberField(
        min_value=-_LARGEST_ADJUSTMENT,
        max_value=_LARGEST_ADJUSTMENT,
        help_text="Negative takes away",
    )
    reason = TextField(max_length=200)

    def validate_quantity(self, value: int) -> int:
        if value == 0:
            raise serializers.ValidationError("must not be 0")
        return value


class CategoryInput(serializers.Serializer[Any]):
    name = TextField(max_length=100)
    slug = TextSlugField(max_length=100, required=False)
    parent = TextSlugField(  # type: ignore[assignment]  # a field, not the serializer's own
        required=False, allow_null=True, help_text="Slug; null is the top"
    )


class CategoryBrief(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class CategoryNode(CategoryBrief):
    children = serializers.ListField(child=serializers.DictField(), help_text="Nodes of this kind")


class CategoryTreeOutput(serializers.Serializer[Any]):
    results = CategoryNode(many=True)


class CategoryOutput(CategoryBrief):
    parent = serializers.CharField(  # type: ignore[assignment]  # a field, not the serializer's own
        allow_null=True, help_text="Slug"
    )
    children = CategoryBrief(many=True)


class WantedLineInput(serializers.Serializer[Any]):
    sku = TextField(max_length=64)
    quantity = WholeNumberField(min_value=1, max_value=conf.MOST_QUANTITY)


class ReservationInput(serializers.Serializer[Any]):
    lines = WantedLineInput(many=True, allow_empty=False, max_length=conf.MOST_LINES)  # type: ignore[call-arg]
