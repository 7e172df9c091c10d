"""Judges what staff typed as the API judges what it is sent, so that a rule stands in one place."""

from collections.abc import Mapping
from typing import Any

from django.forms import Form
from rest_framework.serializers import Serializer


def judge(form: Form, serializer: Serializer[Any]) -> dict[str, Any]:
    """Return what a serializer makes of its data; its errors stand beside the form's fields."""
    if serializer.is_valid():
        return dict(serializer.validated_data)
    for name, errors in serializer.errors.items():
        for told in _sentences(errors):
            form.add_error(name if name in form.fields else None, told)
    return {}


def _sentences(errors: Any) -> list[str]:
    """Return the errors of a field, of those within it too, as sentences."""
    if isinstance(errors, Mapping):
        return [told for inner in errors.values() for told in _sentences(inner)]
    if isinstance(errors, list):
        return [told for inner in errors for told in _sentences(inner)]
    text = str(errors).rstrip(".")
    return [f"{text[:1].upper()}{text[1:]}."]
