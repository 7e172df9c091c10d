"""What the lists of events and of the audit log can be narrowed to."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from chassis.admin.theme import DropdownFilter, RangeDateFilter, TextFilter, parse_day
from chassis.events import dead_letters, declarations, inbox
from chassis.ids import first_uuid7
from chassis.models import AuditEntry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The day after it is none."""


class PublishedFilter(DropdownFilter):
    """Whether the relay published the event."""

    title = "published"
    parameter_name = "published"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Published"), ("no", "Not yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events chosen."""
        if self.value() in {"yes", "no"}:
            return queryset.filter(published_at__isnull=self.value() == "no")
        return queryset


class PublishedTypeFilter(DropdownFilter):
    """The types that this service publishes."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices; they are declared in code."""
        return [(name, name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the types' names."""
        return sorted(declarations.published())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events chosen."""
        return queryset.filter(type=self.value()) if self.value() else queryset


class ConsumedTypeFilter(PublishedTypeFilter):
    """The types that this service consumes."""

    def names(self) -> list[str]:
        """Return the types' names."""
        return sorted(declarations.consumed())


class ConsumerFilter(DropdownFilter):
    """The handlers of this service."""

    title = "consumer"
    parameter_name = "consumer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices, and the names under which what has none is kept."""
        names = {one.consumer for one in declarations.subscriptions()}
        return [(name, name) for name in sorted({*names, inbox.unknown(), dead_letters.refused()})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events chosen."""
        return queryset.filter(consumer=self.value()) if self.value() else queryset


_IS_LIVE: Final = Q(handled_at=None, dead_at=None)
_WAS_NEVER_TRIED: Final = Q(attempts=0, error="")
_IS_DISCARDED: Final = Q(effect__startswith=dead_letters.DISCARDED)


class StateFilter(DropdownFilter):
    """What became of an event."""

    title = "state"
    parameter_name = "state"
    conditions: ClassVar = {
        "handled": Q(handled_at__isnull=False) & ~_IS_DISCARDED,
        "waiting": _IS_LIVE & _WAS_NEVER_TRIED,
        "failing": _IS_LIVE & ~_WAS_NEVER_TRIED,
        "dead": Q(dead_at__isnull=False),
        "discarded": Q(handled_at__isnull=False) & _IS_DISCARDED,
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [(name, name.capitalize()) for name in self.conditions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events chosen."""
        condition = self.conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class RecentActionFilter(DropdownFilter):
    """The actions that were taken of late."""

    title = "action"
    parameter_name = "action_is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices: the actions of the last entries, so that no whole table is read."""
        recent = AuditEntry.objects.order_by("-id").values_list("action", flat=True)[:1000]
        return [(name, name) for name in sorted(set(recent))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the entries chosen."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class ActorFilter(TextFilter):
    """Who did it, by user id."""

    title = "actor's user id"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        """Return nothing to choose: an id is typed."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the entries of the actor; none where the id is no id."""
        if not self.value():
            return queryset
        user_id = as_uuid(str(self.value()))
        return queryset.none() if user_id is None else queryset.filter(actor_id=user_id)


class DayRangeFilter(RangeDateFilter):
    """Rows of some days, the first and the last one included (UTC)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what Django gives a field's filter; the field's own name is no question."""
        super().__init__(*args, **kwargs)
        self.title = "day"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows chosen; a day that is none chooses nothing away."""
        first, last = self._midnight("from"), self._midnight("to")
        if first is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": first})
        if last is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__date__lte": last.date()})
        return queryset

    def _midnight(self, end: str) -> datetime | None:
        """Return when a day of the form begins."""
        text = self.used_parameters.get(f"{self.parameter_name}_{end}")
        day = parse_day(str(text)) if text else None
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


class MadeRangeFilter(DayRangeFilter):
    """Rows made on some days (UTC): their ids begin with that time, so the key's own index finds them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows chosen; a day that is none chooses nothing away."""
        first, last = self._midnight("from"), self._midnight("to")
        if first is not None:
            queryset = queryset.filter(pk__gte=first_uuid7(max(first, _EPOCH)))
        if last is not None and last < _LAST_DAY:
            queryset = queryset.filter(pk__lt=first_uuid7(max(last + timedelta(days=1), _EPOCH)))
        return queryset


def as_uuid(text: str) -> UUID | None:
    """Return the UUID that a text is, None if it is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
