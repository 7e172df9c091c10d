"""Shapes of payments, and of what their provider tells."""

from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from apps.order_service import payments
from apps.order_service.domain.states import PaymentStatus
from chassis.fields import MoneyField, TextField
from chassis.openapi import example

PAYMENT_STATUSES: Final = [status.value for status in PaymentStatus]
LONGEST_TOKEN: Final = 255
LONGEST_REFERENCE: Final = 200


@example({"method": "card", "token": "tok_ok"})
class PaymentRequestSerializer(serializers.Serializer[Any]):
    method = serializers.ChoiceField(
        payments.METHODS,
        default="card",
        help_text="card is the shop's payment provider; sandbox is the sandbox by its name, "
        "where that is the shop's provider.",
    )
    token = TextField(
        max_length=LONGEST_TOKEN,
        help_text="From the provider. The sandbox knows tok_ok, tok_declined and tok_timeout.",
    )

    def validate_method(self, value: str) -> str:
        if value not in payments.methods():
            raise serializers.ValidationError("is not taken in this shop", code="invalid_choice")
        return value


@example({"id": "019b76da-a800-7000-8000-000000000003", "status": "succeeded"})
class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(PAYMENT_STATUSES)


class TextUUIDField(serializers.UUIDField):
    """A UUID as a JSON string: a number is none."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class WebhookDataSerializer(serializers.Serializer[Any]):
    payment_id = TextUUIDField()
    amount = MoneyField(help_text="All of the payment: no part of it is taken or given back.")
    currency = TextField(max_length=3)
    reference = TextField(max_length=LONGEST_REFERENCE, help_text="What the provider calls it.")
    reason = TextField(
        max_length=LONGEST_REFERENCE,
        required=False,
        allow_blank=True,
        help_text="Why it was declined.",
    )


class WebhookTypeSerializer(serializers.Serializer[Any]):
    type = TextField(max_length=LONGEST_REFERENCE)


class WebhookSerializer(serializers.Serializer[Any]):
    """A message of the payment provider."""

    type = serializers.ChoiceField([kind.value for kind in payments.MessageType])
    data = WebhookDataSerializer()  # type: ignore[assignment]


class WebhookAnswerSerializer(serializers.Serializer[Any]):
    effect = serializers.CharField(help_text="What came of the message, for people.")
