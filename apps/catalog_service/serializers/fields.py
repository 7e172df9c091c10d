"""Fields of products and categories."""

import re
from decimal import Decimal
from typing import Any, Final

from django.core.validators import MaxValueValidator, RegexValidator
from rest_framework import serializers

from apps.catalog_service import conf
from chassis import json
from chassis.fields import MoneyField, TextField

_SKU: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:-]*\Z")
_HIGHEST_PRICE: Final = Decimal("9999999999.99")


class TextSlugField(TextField, serializers.SlugField):
    """A slug as a JSON string."""


class SkuField(TextField):
    """What a product is called by other systems; safe in a URL and in a file's name."""

    default_error_messages = {"invalid": "must be a string of letters, digits and . _ : -"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)
        self.validators.append(RegexValidator(_SKU, self.error_messages["invalid"]))


class AttributesField(serializers.DictField):
    """A JSON object that every later reader can hold: not deep, not long."""

    default_error_messages = {
        "too_deep": f"must not be nested deeper than {conf.DEEPEST_ATTRIBUTES}",
        "too_wide": f"must hold no number of more than {conf.WIDEST_NUMBER} digits",
        "too_long": f"must be at most {conf.LONGEST_ATTRIBUTES} bytes of JSON",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if _is_deeper(data, conf.DEEPEST_ATTRIBUTES):
            self.fail("too_deep")
        if _holds_wide_number(data):
            self.fail("too_wide")
        if len(json.encode(data)) > conf.LONGEST_ATTRIBUTES:
            self.fail("too_long")
        return data


def _is_deeper(value: Any, depth: int) -> bool:
    inner = list(value.values()) if isinstance(value, dict) else value
    return isinstance(inner, list) and (
        depth == 0 or any(_is_deeper(entry, depth - 1) for entry in inner)
    )


def _holds_wide_number(value: Any) -> bool:
    """Tell whether a number is far longer written out, as the database gives it back, than as it came."""
    if isinstance(value, dict | list):
        entries = value.values() if isinstance(value, dict) else value
        return any(_holds_wide_number(entry) for entry in entries)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(Decimal(str(value)).adjusted()) >= conf.WIDEST_NUMBER


class PriceField(MoneyField):
    """An amount that fits a product's price."""

    default_validators = [MaxValueValidator(_HIGHEST_PRICE)]
