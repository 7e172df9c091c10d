"""Serializer fields that take JSON's own types strictly: text, whole numbers, true and false, money."""

import re
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_MONEY: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,2})?", re.ASCII)
_CENT: Final = Decimal("0.01")


class TextField(serializers.CharField):
    """A JSON string; numbers are not taken for one."""

    def to_internal_value(self, data: Any) -> str:
        """Return the string.

        Raises:
            ValidationError: it is none.
        """
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; true, 1.0 and "1" are none."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer.

        Raises:
            ValidationError: it is none.
        """
        if type(data) is not int:
            self.fail("invalid")
        return int(data)


class BooleanField(serializers.BooleanField):
    """JSON's true or false; "no", "yes", 0 and 1 are neither."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean.

        Raises:
            ValidationError: it is none.
        """
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({"type": "string", "pattern": r"^\d{1,18}(\.\d{1,2})?$", "example": "19.90"})
class MoneyField(serializers.Field[Decimal, Any, Decimal, Any]):
    """An amount as a decimal string, to the cent."""

    default_error_messages = {"invalid": 'must be an amount as a string, such as "19.90"'}

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount, with two decimals.

        Raises:
            ValidationError: it is no string, or not written as an amount.
        """
        if not isinstance(data, str) or not _MONEY.fullmatch(data):
            self.fail("invalid")
        return Decimal(data).quantize(_CENT)

    def to_representation(self, value: Decimal) -> Decimal:
        """Return the amount; the renderer writes it as a string."""
        return value
