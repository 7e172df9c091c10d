"""Query parameters of the list of orders, and of its export."""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.order_service.domain.lines import LONGEST_SKU
from apps.order_service.domain.numbers import read_number
from apps.order_service.domain.states import OrderStatus
from apps.order_service.selectors import OrderFilters

_LONGEST_EMAIL: Final = 254


class StatusesField(serializers.CharField):
    """One status, or several separated by commas."""

    def to_internal_value(self, data: Any) -> tuple[OrderStatus, ...]:  # type: ignore[override]
        names = dict.fromkeys(super().to_internal_value(data).split(","))
        known = {status.value: status for status in OrderStatus}
        if names.keys() - known.keys():
            raise ValidationError(f"are, separated by commas, of {', '.join(known)}")
        return tuple(known[name] for name in names)


class NumberField(serializers.CharField):
    """An order's number as people type it."""

    def to_internal_value(self, data: Any) -> str:
        number = read_number(super().to_internal_value(data))
        if number is None:
            raise ValidationError("is no order number, such as 7K3M-9QXT")
        return number


class OrderFilterSerializer(serializers.Serializer[Any]):
    """What can be asked of the list. An empty one is as good as none: forms send those."""

    status = StatusesField(required=False, help_text="One status, or several: placed,paid")
    placed_after = serializers.DateTimeField(required=False, help_text="RFC 3339; later than that")
    placed_before = serializers.DateTimeField(required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    sku = serializers.CharField(
        required=False, max_length=LONGEST_SKU, help_text="Orders with a line of this product"
    )
    number = NumberField(required=False, help_text="Such as 7K3M-9QXT, or 7k3m9qxt")
    email = serializers.CharField(
        required=False,
        max_length=_LONGEST_EMAIL,
        help_text="Beginning of the customer's address, in any case",
    )
    user_id = serializers.UUIDField(required=False)


def read_filters(given: Mapping[str, str]) -> OrderFilters:
    """Return what the query string asks for; names that mean nothing are passed over.

    Raises:
        ValidationError: some values do not fit; each is named.
    """
    parameters = OrderFilterSerializer(data={name: text for name, text in given.items() if text})
    parameters.is_valid(raise_exception=True)
    values = dict(parameters.validated_data)
    return OrderFilters(statuses=values.pop("status", ()), **values)
