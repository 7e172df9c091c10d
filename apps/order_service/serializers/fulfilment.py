"""Shapes of what people say when they change an order's status. All of it may be left out."""

from typing import Any, Final

from rest_framework import serializers

from chassis.fields import BooleanField, TextField
from chassis.openapi import example

LONGEST_REASON: Final = 200


@example({"note": "Parcel 00340434161094015902"})
class NoteSerializer(serializers.Serializer[Any]):
    note = TextField(
        max_length=LONGEST_REASON, required=False, allow_blank=True, help_text="For the history."
    )


@example({"reason": "ordered by mistake"})
class CancelSerializer(serializers.Serializer[Any]):
    reason = TextField(max_length=LONGEST_REASON, required=False, help_text="For the history.")


@example({"reason": "arrived broken", "restock": False})
class RefundSerializer(serializers.Serializer[Any]):
    reason = TextField(max_length=LONGEST_REASON, default="refunded by staff")
    restock = BooleanField(
        default=True, help_text="Whether the goods come back and are sold again."
    )
