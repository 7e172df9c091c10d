"""Query parameters of the lists."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service.selectors.products import SORTS
from apps.catalog_service.serializers.fields import PriceField


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
