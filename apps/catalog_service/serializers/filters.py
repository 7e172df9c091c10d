"""Query parameters of the list of products."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.catalog_service.models import ProductStatus
from apps.catalog_service.selectors.listing import FIELDS, SORTS, Filters
from apps.catalog_service.serializers.fields import PriceField
from apps.catalog_service.serializers.products import ProductOutput

ATTRIBUTE: Final = "attr."
"""What the parameters of attributes begin with; the attribute's name follows."""

_MOST_ATTRIBUTES: Final = 10
_LONGEST: Final = 200


class ListParameters(serializers.Serializer[Any]):
    """What can be asked of the list, besides attributes. An empty one is as good as none: forms send those."""

    q = serializers.CharField(
        required=False, allow_blank=True, max_length=_LONGEST, help_text="Words to search for"
    )
    category = serializers.SlugField(required=False, help_text="Slug; sub-categories count too")
    min_price = PriceField(required=False)
    max_price = PriceField(required=False)
    in_stock = serializers.BooleanField(required=False, default=None, allow_null=True)
    status = serializers.ChoiceField(
        choices=ProductStatus.choices,
        required=False,
        help_text="Of those that the caller may see: others than staff see active ones",
    )
    sort = serializers.ChoiceField(
        choices=list(SORTS),
        required=False,
        help_text="By default relevance with q, else -created_at",
    )


class ListedProduct(ProductOutput):
    """A product of the list: with `fields`, as much of it as was asked for."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class ProductListOutput(serializers.Serializer[Any]):
    results = ListedProduct(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list was asked for."""

    filters: Filters
    sort: str
    fields: tuple[str, ...]


def read_parameters(given: Mapping[str, str]) -> Asked:
    """Return what the query string asks for; names that mean nothing are passed over.

    Raises:
        ValidationError: some values do not fit; each is named.
    """
    values: dict[str, Any] = {}
    refused: dict[str, Any] = {}
    for name, text in given.items():
        if text and (read := _reader_of(name)):
            try:
                values[name] = read(text)
            except ValidationError as error:
                refused[name] = error.detail
    attributes = tuple(values.pop(name) for name in list(values) if name.startswith(ATTRIBUTE))
    if len(attributes) > _MOST_ATTRIBUTES:
        refused["attr"] = [f"are at most {_MOST_ATTRIBUTES}"]
    fields = values.pop("fields", ())
    q = values.pop("q", None) or None
    sort = values.pop("sort", None) or ("relevance" if q else "-created_at")
    if sort == "relevance" and not q and "q" not in refused:
        refused["sort"] = ["relevance needs q"]
    if refused:
        raise ValidationError(refused)
    return Asked(Filters(q=q, attributes=attributes, **values), sort, fields)


def _reader_of(name: str) -> Callable[[str], Any] | None:
    if name.startswith(ATTRIBUTE):
        return lambda text: _read_attribute(name, text)
    return _READERS.get(name)


def _read_attribute(name: str, text: str) -> tuple[str, str]:
    name = name.removeprefix(ATTRIBUTE)
    if not name or len(name) > _LONGEST or len(text) > _LONGEST or "\0" in name + text:
        raise ValidationError(f"needs a name and a value of at most {_LONGEST} characters")
    return name, text


def _read_fields(text: str) -> tuple[str, ...]:
    names = text.split(",")
    if unknown := [name for name in names if name not in FIELDS]:
        raise ValidationError(f'there is no field "{unknown[0][:_LONGEST]}"')
    return tuple(names)


# Made once: a serializer of its own for each request takes longer than the rest of the reading.
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    **{name: field.run_validation for name, field in ListParameters().fields.items()},
    "fields": _read_fields,
}
