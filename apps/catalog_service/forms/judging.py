"""Judges what staff typed as the API judges what it is sent, so that a rule stands in one place."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.forms import Form
from rest_framework.exceptions import ErrorDetail
from rest_framework.serializers import Serializer


def judge(
    form: Form,
    serializer: Serializer[Any],
    *,
    wording: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return what a serializer makes of its data; its errors stand beside the form's fields.

    A field that the form itself refused is missing there: what the form says of it is enough.

    Args:
        form: what was typed.
        serializer: the API's, given what the form made of it.
        wording: by field and code of an error, what a person is told in the place of the API's words.
    """
    if serializer.is_valid():
        return dict(serializer.validated_data)
    refused = set(form.errors)
    for name, errors in serializer.errors.items():
        if name in refused:
            continue
        for error in _leaves(errors):
            told = wording.get((name, error.code or ""), str(error))
            form.add_error(name if name in form.fields else None, _sentence(told))
    return {}


def _leaves(errors: Any) -> Iterator[ErrorDetail]:
    """Yield the errors of a field, and of those within it."""
    if isinstance(errors, ErrorDetail):
        yield errors
        return
    for inner in errors.values() if isinstance(errors, Mapping) else errors:
        yield from _leaves(inner)


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
