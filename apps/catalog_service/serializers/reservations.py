"""What the order service asks for, and what it is answered."""

from typing import Any

from rest_framework import serializers

from apps.catalog_service import conf
from apps.catalog_service.models import ReservationStatus
from chassis.fields import MoneyField, TextField, WholeNumberField


class WantedLineInput(serializers.Serializer[Any]):
    sku = TextField(max_length=64)
    quantity = WholeNumberField(min_value=1, max_value=conf.MOST_QUANTITY)


class ReservationInput(serializers.Serializer[Any]):
    lines = WantedLineInput(
        many=True,
        allow_empty=False,
        max_length=conf.MOST_LINES,  # type: ignore[call-arg]
        help_text=f"1 to {conf.MOST_LINES}; those of one sku are added up",
    )


class ReservedLineOutput(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField()
    currency = serializers.CharField()


class ReservationOutput(serializers.Serializer[Any]):
    order_id = serializers.UUIDField()
    expires_at = serializers.DateTimeField(help_text="Until when the order may be paid")
    lines = ReservedLineOutput(many=True, help_text="One of each sku")


class FoundReservationOutput(ReservationOutput):
    status = serializers.ChoiceField(choices=ReservationStatus.choices)
