"""Shapes of orders and their filters."""

from typing import Any, Final

from rest_framework import serializers

from apps.order_service import payments
from apps.order_service.domain import addresses
from apps.order_service.domain.lines import (
    LONGEST_SKU,
    MOST_LINES,
    MOST_OF_ONE,
    QuantityTooLarge,
    RequestedLine,
    merge_lines,
)
from apps.order_service.domain.states import OrderStatus
from apps.order_service.serializers.payments import PAYMENT_STATUSES
from chassis.fields import MoneyField, TextField, WholeNumberField
from chassis.openapi import example

ORDER_STATUSES: Final = [status.value for status in OrderStatus]

ADDRESS: Final = {
    "name": "Ada Lovelace",
    "line1": "1 Market Square",
    "city": "Vienna",
    "postal_code": "1010",
    "country": "AT",
}
_LATER: Final = (
    "paid_at",
    "shipped_at",
    "delivered_at",
    "rejected_at",
    "cancelled_at",
    "refunded_at",
)


class QuantityField(WholeNumberField):
    """A whole number from 1 to MOST_OF_ONE."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MOST_OF_ONE, **options)


class RequestedLineSerializer(serializers.Serializer[Any]):
    sku = TextField(max_length=LONGEST_SKU)
    quantity = QuantityField()


@example(ADDRESS)
class AddressSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=addresses.LONGEST_NAME)
    line1 = TextField(max_length=addresses.LONGEST_LINE)
    line2 = TextField(max_length=addresses.LONGEST_LINE, required=False, allow_blank=True)
    city = TextField(max_length=addresses.LONGEST_CITY)
    region = TextField(max_length=addresses.LONGEST_CITY, required=False, allow_blank=True)
    postal_code = TextField(max_length=addresses.LONGEST_POSTAL_CODE)
    country = TextField(max_length=2, help_text="ISO 3166-1 alpha-2, such as NL")

    def validate_country(self, value: str) -> str:
        if value not in addresses.COUNTRIES:
            raise serializers.ValidationError("must be an ISO 3166-1 alpha-2 code, such as NL")
        return value


@example({"lines": [{"sku": "LMP-001", "quantity": 1}], "shipping_address": ADDRESS})
class OrderRequestSerializer(serializers.Serializer[Any]):
    lines = RequestedLineSerializer(
        many=True,
        allow_empty=False,
        max_length=MOST_LINES,  # type: ignore[call-arg]
        help_text=f"Quantities of the same sku are added, up to {MOST_OF_ONE}.",
    )
    shipping_address = AddressSerializer()
    expected_total = MoneyField(
        required=False,
        allow_null=True,
        help_text="The total the customer was shown; 409 price-changed where it is another now.",
    )

    def validate_lines(self, lines: list[dict[str, Any]]) -> tuple[RequestedLine, ...]:
        try:
            return merge_lines((line["sku"], line["quantity"]) for line in lines)
        except QuantityTooLarge as error:
            message = f"the lines of this sku add up to more than {MOST_OF_ONE}"
            before: list[dict[str, Any]] = [{} for _ in range(error.position)]
            raise serializers.ValidationError([*before, {"quantity": [message]}]) from error


class LineSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()
    unit_price = MoneyField(allow_null=True)
    line_total = MoneyField(allow_null=True)


class OrderPaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    method = serializers.ChoiceField(payments.METHODS)
    status = serializers.ChoiceField(PAYMENT_STATUSES)
    amount = MoneyField()
    created_at = serializers.DateTimeField()
    refunded_at = serializers.DateTimeField(allow_null=True)


@example(
    {
        "id": "019b76da-a800-7000-8000-000000000001",
        "number": "7GS2-4N0H",
        "user_id": "019b76da-a800-7000-8000-000000000002",
        "status": "placed",
        "lines": [
            {
                "sku": "LMP-001",
                "name": "Mosaic Hanging Lamp, Turquoise",
                "quantity": 1,
                "unit_price": "58.00",
                "line_total": "58.00",
            }
        ],
        "subtotal": "58.00",
        "shipping": "4.90",
        "tax": "0.00",
        "total": "62.90",
        "currency": "EUR",
        "shipping_address": ADDRESS,
        "payments": [],
        "created_at": "2026-01-02T03:04:05.000000Z",
        "expires_at": "2026-01-02T03:19:05.100000Z",
        "placed_at": "2026-01-02T03:04:05.100000Z",
        **dict.fromkeys(_LATER),
    }
)
class OrderSerializer(serializers.Serializer[Any]):
    """An order; amounts, names and prices are null until it is placed."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    user_id = serializers.UUIDField()
    status = serializers.ChoiceField(ORDER_STATUSES)
    lines = LineSerializer(many=True)
    subtotal = MoneyField(allow_null=True)
    shipping = MoneyField(allow_null=True)
    tax = MoneyField(allow_null=True)
    total = MoneyField(allow_null=True)
    currency = serializers.CharField()
    shipping_address = AddressSerializer()
    payments = OrderPaymentSerializer(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    placed_at = serializers.DateTimeField(allow_null=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    rejected_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    refunded_at = serializers.DateTimeField(allow_null=True)


class OrderListSerializer(serializers.Serializer[Any]):
    results = OrderSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
