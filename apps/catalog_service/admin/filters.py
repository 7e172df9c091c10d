"""What the lists of the catalogue can be narrowed to."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from apps.catalog_service import conf
from apps.catalog_service.admin.categories import category_choices
from apps.catalog_service.models import Category, MovementKind, ReservationStatus
from apps.catalog_service.selectors.categories import path_of
from chassis.admin.paging import among_latest
from chassis.admin.theme import DropdownFilter, RangeNumericFilter

_AMOUNT: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?", re.ASCII)
_LATEST: Final = 100_000
"""Rows in which a kind is looked for that few of them have: no index knows of it."""


class CategoryFilter(DropdownFilter):
    """A category, with all that stand below it."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices: the tree, from the top down."""
        return category_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the products of the category; none where it is no category."""
        if not self.value():
            return queryset
        path = path_of(self.value() or "")
        if path is None:
            return queryset.none()
        return queryset.filter(category__in=Category.objects.filter(path__descendants=path))


class AvailabilityFilter(DropdownFilter):
    """How much of a product can be sold."""

    title = "stock"
    parameter_name = "available"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [
            ("some", "In stock"),
            ("low", f"Low: 1 to {conf.low_stock()}"),
            ("none", "None available"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the products chosen."""
        reserved = F("stock__reserved")
        conditions = {
            "some": Q(stock__on_hand__gt=reserved),
            "low": Q(stock__on_hand__gt=reserved)
            & Q(stock__on_hand__lte=reserved + conf.low_stock()),
            "none": Q(stock__on_hand=reserved),
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class PriceFilter(RangeNumericFilter):
    """Prices from one to another, both included."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows chosen; what is no amount chooses nothing away."""
        for end, lookup in (("from", "gte"), ("to", "lte")):
            text = str(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
            if _AMOUNT.fullmatch(text):
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": Decimal(text)})
        return queryset


class _LatestFilter(DropdownFilter):
    """A choice that is looked for among the latest rows, so that no whole table is read."""

    choices_: ClassVar[Sequence[tuple[str, str]]]
    field: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return self.choices_

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows chosen, of the latest 100,000."""
        if self.value() not in dict(self.choices_):
            return queryset
        return among_latest(queryset, _LATEST).filter(**{self.field: self.value()})


class MovementKindFilter(_LatestFilter):
    """Why stock moved."""

    title = "kind"
    parameter_name = "kind"
    field = "kind"
    choices_ = MovementKind.choices


class ReservationStatusFilter(_LatestFilter):
    """What became of a reservation."""

    title = "status"
    parameter_name = "status"
    field = "status"
    choices_ = ReservationStatus.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the reservations chosen; an index knows all that are open."""
        if self.value() == ReservationStatus.RESERVED:
            return queryset.filter(status=ReservationStatus.RESERVED)
        return super().queryset(request, queryset)


class OpenAlertFilter(DropdownFilter):
    """Whether an alert still waits for somebody."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [("open", "Open"), ("cleared", "Cleared")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the alerts chosen."""
        if self.value() not in {"open", "cleared"}:
            return queryset
        return queryset.filter(cleared_at__isnull=self.value() == "open")
