"""Stock as it is changed and answered."""

from typing import Any, Final

from rest_framework import serializers

from apps.catalog_service.models import MovementKind
from chassis.fields import TextField, WholeNumberField
from chassis.openapi import example

_LARGEST_ADJUSTMENT: Final = 1_000_000


@example({"on_hand": 12, "reserved": 2, "available": 10})
class StockOutput(serializers.Serializer[Any]):
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()


@example({"quantity": 25, "reason": "delivery of 2 January"})
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


class MovementOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=MovementKind.choices)
    on_hand = serializers.IntegerField(help_text="Pieces added; negative were taken away")
    reserved = serializers.IntegerField(help_text="Pieces promised; negative are free again")
    order_id = serializers.UUIDField(allow_null=True)
    actor = serializers.CharField(help_text="`user:<id>`, or what did it by itself")
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class MovementListOutput(serializers.Serializer[Any]):
    results = MovementOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
