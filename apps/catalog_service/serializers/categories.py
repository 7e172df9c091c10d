"""Categories as they are sent and answered."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service.serializers.fields import TextSlugField
from chassis.fields import TextField
from chassis.openapi import example


@example({"name": "Table Lamps", "slug": "table-lamps", "parent": "lamps-and-lanterns"})
class CategoryInput(serializers.Serializer[Any]):
    name = TextField(max_length=100)
    slug = TextSlugField(max_length=100, required=False)
    parent = TextSlugField(  # type: ignore[assignment]  # a field, not the serializer's own
        required=False, allow_null=True, help_text="Slug; null is the top"
    )


class CategoryBrief(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


@example(
    {
        "slug": "lamps-and-lanterns",
        "name": "Lamps and Lanterns",
        "children": [{"slug": "table-lamps", "name": "Table Lamps", "children": []}],
    }
)
class CategoryNode(CategoryBrief):
    children = serializers.ListField(child=serializers.DictField(), help_text="Nodes of this kind")


class CategoryTreeOutput(serializers.Serializer[Any]):
    results = CategoryNode(many=True)


@example(
    {
        "slug": "table-lamps",
        "name": "Table Lamps",
        "parent": "lamps-and-lanterns",
        "ancestors": [{"slug": "lamps-and-lanterns", "name": "Lamps and Lanterns"}],
        "children": [],
    }
)
class CategoryOutput(CategoryBrief):
    parent = serializers.CharField(  # type: ignore[assignment]  # a field, not the serializer's own
        allow_null=True, help_text="Slug"
    )
    ancestors = CategoryBrief(many=True, help_text="From the top down")
    children = CategoryBrief(many=True)
