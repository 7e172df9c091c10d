"""The history of a product's price as it is answered."""

from typing import Any

from rest_framework import serializers

from chassis.fields import MoneyField


class PriceChangeOutput(serializers.Serializer[Any]):
    price = MoneyField(help_text="What the product cost from then on")
    currency = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="user:<id>, or what runs by itself")


class PriceListOutput(serializers.Serializer[Any]):
    results = PriceChangeOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    lowest_price_30d = MoneyField(
        allow_null=True, help_text="Lowest price that was asked for in the last 30 days"
    )
