"""The pages of events: those written, and those received."""

from typing import Any, ClassVar, Final

import msgspec
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chassis.admin.display import code, long_text, pretty_json, short_id, trace, when
from chassis.admin.filters import (
    ConsumedTypeFilter,
    ConsumerFilter,
    PublishedFilter,
    PublishedTypeFilter,
    StateFilter,
    as_uuid,
)
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.theme import DropdownFilter, display
from chassis.events import dead_letters, declarations, describing, failures, outbox
from chassis.models import InboxEvent, OutboxEvent

_LONGEST_CELL: Final = 160


class SubjectSearch(ReadOnlyAdmin):
    """Finds events by the whole id of their aggregate, or by their own: an index answers both."""

    search_fields = ("subject",)
    search_help_text = "Whole subject, such as an order's id, or an event's id"
    event_id_field: ClassVar[str] = "id"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the events of a subject, or the one of an id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        condition = Q(subject=term)
        if (event_id := as_uuid(term)) is not None:
            condition |= Q(**{self.event_id_field: event_id})
        return queryset.filter(condition), False


class OutboxAdmin(SubjectSearch):
    """What the service published."""

    list_display = ("type_", "subject_", "sequence", "time_", "state", "position")
    list_filter = (PublishedFilter, PublishedTypeFilter)
    fields = (
        *("id", "type", "version", "consumers", "subject", "sequence", "time"),
        *("position", "published_at", "request_id", "traceparent", "envelope"),
    )
    readonly_fields = fields

    @display(description="Type")
    def type_(self, obj: OutboxEvent) -> str:
        """Return the type."""
        return obj.type

    @display(description="Subject")
    def subject_(self, obj: OutboxEvent) -> str:
        """Return the subject, shortened."""
        return short_id(obj.subject)

    @display(description="Written")
    def time_(self, obj: OutboxEvent) -> str:
        """Return how long ago it was written."""
        return when(obj.time)

    @display(description="State", label={"published": "success", "waiting": "warning"})
    def state(self, obj: OutboxEvent) -> str:
        """Return whether the relay published it."""
        return "published" if obj.published_at else "waiting"

    @display(description="Goes to")
    def consumers(self, obj: OutboxEvent) -> str:
        """Return the services that get it."""
        declared = declarations.published().get(obj.type)
        return ", ".join(declared.consumers) if declared else "a type no longer published"

    @display(description="Envelope")
    def envelope(self, obj: OutboxEvent) -> str:
        """Return the event as it is sent."""
        return pretty_json(msgspec.to_builtins(outbox.envelope_of(obj)))


class InboxAdmin(SubjectSearch):
    """What the service received, and what each of its handlers did with it."""

    event_id_field = "event_id"
    list_display: tuple[str, ...] = (
        "type_",
        "consumer",
        "subject_",
        "received",
        "state",
        "attempts",
        "outcome",
    )
    list_filter: ClassVar[tuple[type[DropdownFilter], ...]] = (
        StateFilter,
        ConsumerFilter,
        ConsumedTypeFilter,
    )
    fields = (
        *("event_id", "type", "consumer", "subject", "state", "received_at", "handled_at"),
        *("effect", "attempts", "not_before", "dead_at", "request_id", "failure", "message"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows; a list shows no envelopes, and of a refused message the beginning."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if _is_list(request):
            rows = rows.defer("envelope").annotate(
                producer=KT("envelope__producer"),
                beginning=Left(KT("envelope__message"), describing.NEEDED_FOR_LINE),
            )
        return rows

    @display(description="Type")
    def type_(self, obj: InboxEvent) -> str:
        """Return the type."""
        return obj.type

    @display(description="Subject")
    def subject_(self, obj: InboxEvent) -> str:
        """Return the subject, shortened."""
        return short_id(obj.subject)

    @display(description="Received")
    def received(self, obj: InboxEvent) -> str:
        """Return how long ago it came."""
        return when(obj.received_at)

    @display(
        description="State",
        label={
            "handled": "success",
            "waiting": "info",
            "failing": "warning",
            "dead": "danger",
            "discarded": "secondary",
        },
    )
    def state(self, obj: InboxEvent) -> str:
        """Return what became of it."""
        if obj.handled_at:
            return "discarded" if obj.effect.startswith(dead_letters.DISCARDED) else "handled"
        if obj.dead_at:
            return "dead"
        return "failing" if obj.attempts or obj.error else "waiting"

    @display(description="Outcome")
    def outcome(self, obj: InboxEvent) -> SafeString | str:
        """Return the effect, or why there is none."""
        return _told_of(obj, obj.effect) if obj.effect else reason(obj)

    @display(description="Request id")
    def request_id(self, obj: InboxEvent) -> str:
        """Return the id of the request that caused it."""
        return code(obj.envelope.get("requestid"))

    @display(description="Failure")
    def failure(self, obj: InboxEvent) -> str:
        """Return the trace of the last failure."""
        return trace(obj.error)

    @display(description="Message")
    def message(self, obj: InboxEvent) -> str:
        """Return the event as it came; of a refused one the text, and on whose queue it came."""
        if obj.consumer != dead_letters.refused():
            return pretty_json(obj.envelope)
        sender = describing.sender_of(obj.envelope)
        return trace(f"from {sender}\n\n{describing.text_of(obj.envelope)}")


def reason(row: Any) -> SafeString | str:
    """Return the last line of a failure; of a refused message, by which many are alike, its own too.

    Args:
        row: of a list.
    """
    return _told_of(row, failures.last_line(row.error))


def _told_of(row: Any, text: str) -> SafeString | str:
    told = text[:_LONGEST_CELL]
    if row.consumer != dead_letters.refused():
        return long_text(told)
    line = format_html('<br><span class="text-subtle">{}</span>', message_line(row))
    return long_text(format_html("{}{}", told, line))


def message_line(row: Any) -> str:
    """Return who sent a refused message, and how it begins.

    Args:
        row: of a list.
    """
    return describing.line_of({"producer": row.producer, "message": row.beginning})


def _is_list(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and str(match.url_name).endswith("_changelist")
