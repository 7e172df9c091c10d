"""What the order service asks for."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service import conf
from chassis.fields import TextField, WholeNumberField


class WantedLineInput(serializers.Serializer[Any]):
    sku = TextField(max_length=64)
    quantity = WholeNumberField(min_value=1, max_value=conf.MOST_QUANTITY)


class ReservationInput(serializers.Serializer[Any]):
    lines = WantedLineInput(many=True, allow_empty=False, max_length=conf.MOST_LINES)  # type: ignore[call-arg]
