"""Suggestions as they are asked for and answered."""

from typing import Any

from rest_framework import serializers


class SuggestionParameters(serializers.Serializer[Any]):
    q = serializers.CharField(
        allow_blank=True, max_length=200, help_text="What is typed so far; of blanks there are none"
    )
    limit = serializers.IntegerField(required=False, default=10, min_value=1, max_value=20)


class SuggestionOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=["product", "category", "word"])
    slug = serializers.CharField(allow_null=True, help_text="Of a product or category")


class SuggestionsOutput(serializers.Serializer[Any]):
    results = SuggestionOutput(many=True)
