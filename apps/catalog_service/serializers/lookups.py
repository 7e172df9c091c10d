"""What the order service asks about the lines of a cart, and what it is answered."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service.serializers.reservations import ReservationInput
from chassis.fields import MoneyField


class LookupInput(ReservationInput):
    """The lines as they would be reserved."""


class FoundProductOutput(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    image_url = serializers.CharField()
    unit_price = MoneyField()
    currency = serializers.CharField()
    available = serializers.IntegerField(help_text="Pieces, up to a number that the shop sets")
    in_stock = serializers.BooleanField()
    enough = serializers.BooleanField(help_text="Whether the quantity could be reserved now")


class LookupOutput(serializers.Serializer[Any]):
    products = FoundProductOutput(many=True, help_text="In the order of the lines, one per sku")
