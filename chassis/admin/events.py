"""The pages of events: those written, those received, and those that a handler gave up on."""

import contextlib
import json
from dataclasses import replace
from typing import Any, ClassVar, Final

import msgspec
from django import forms
from django.contrib.admin import action as list_action
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from chassis.admin.asking import Question
from chassis.admin.display import code, pretty_json, short_id, trace, when
from chassis.admin.filters import (
    ConsumedTypeFilter,
    ConsumerFilter,
    PublishedFilter,
    PublishedTypeFilter,
    StateFilter,
    as_uuid,
)
from chassis.admin.options import MOST_AT_ONCE, ReadOnlyAdmin, actor_id
from chassis.admin.theme import ActionVariant, DropdownFilter, TextInput, action, display
from chassis.events import dead_letters, declarations, outbox
from chassis.models import AuditEntry, DeadLetter, InboxEvent, OutboxEvent


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
        """Return the rows; a list shows neither envelopes nor whole traces."""
        rows = super().get_queryset(request)
        return rows.defer("envelope") if _is_list(request) else rows

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
    def outcome(self, obj: InboxEvent) -> str:
        """Return the effect, or the last line of the failure."""
        return (obj.effect or last_line(obj.error))[:120]

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
        sender = obj.envelope.get("producer") or "an unknown sender"
        text = str(obj.envelope.get("message", ""))
        with contextlib.suppress(ValueError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False, sort_keys=True)
        return trace(f"from {sender}\n\n{text}")


class DeadLetterAdmin(InboxAdmin):
    """Events that a handler gave up on, and the way back."""

    list_display = ("type_", "consumer", "subject_", "died", "attempts", "reason")
    list_filter = (ConsumerFilter, ConsumedTypeFilter)
    ordering = ("-dead_at", "-pk")
    audit_type = "event"
    has_history = True
    actions = ("redrive_selected", "discard_selected")
    actions_detail = ("redrive", "discard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the dead ones."""
        return super().get_queryset(request).filter(dead_at__isnull=False)

    def history_of(self, obj: Any) -> QuerySet[AuditEntry]:
        """Return what was done about the event, whoever consumes it."""
        return AuditEntry.objects.filter(target_type="event", target_id=str(obj.event_id)).order_by(
            "-id"
        )

    @display(description="Died")
    def died(self, obj: DeadLetter) -> str:
        """Return how long ago it was given up on."""
        return when(obj.dead_at)

    @display(description="Reason")
    def reason(self, obj: DeadLetter) -> str:
        """Return the last line of the failure."""
        return last_line(obj.error)[:160]

    @action(description="Redrive", url_path="redrive", icon="replay")
    def redrive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Try one again."""
        obj = self.object_or_404(request, object_id)
        question = replace(_REDRIVE, title="Redrive dead letter")

        def act(_: str) -> str:
            _redrive(obj, request)
            return "It is tried again within seconds."

        back = reverse("admin:chassis_deadletter_changelist")
        return self.confirmed(request, obj, question, act, back=back)

    @list_action(description="Redrive")
    def redrive_selected(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter]
    ) -> HttpResponse | None:
        """Try the selected ones again."""
        rows = list(queryset[:MOST_AT_ONCE])
        return self.confirmed_selection(
            request,
            rows,
            _REDRIVE,
            lambda row: _redrive(row, request),
        )

    @action(description="Discard", url_path="discard", icon="delete", variant=ActionVariant.DANGER)
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give one up for good."""
        obj = self.object_or_404(request, object_id)
        form = DiscardForm(request.POST or None)

        def act(typed: dict[str, Any]) -> str:
            _discard(obj, request, typed["reason"])
            return "It is discarded."

        back = reverse("admin:chassis_deadletter_changelist")
        if request.method == "POST" and self.submitted(request, form, act):
            return HttpResponseRedirect(back)
        question = replace(_DISCARD, title="Discard dead letter")
        return self.ask(request, question, back=back, about=obj, form=form)

    @list_action(description="Discard")
    def discard_selected(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter]
    ) -> HttpResponse | None:
        """Give the selected ones up for good."""
        form = DiscardForm(request.POST if request.POST.get("confirmed") == "yes" else None)
        return self.confirmed_selection(
            request,
            list(queryset[:MOST_AT_ONCE]),
            _DISCARD,
            lambda row: _discard(row, request, form.cleaned_data["reason"]),
            form=form,
        )

    def label_of(self, row: DeadLetter) -> str:
        """Return what it is called where it is asked about."""
        return f"{row.type} of {row.subject}, for {row.consumer}"


_REDRIVE: Final = Question(
    title="Redrive {}",
    text="It helps once the reason of the failure is mended; each event is tried as often as a new"
    " one, and dies again if it still fails.",
    button="Redrive",
    done="redriven",
)


_DISCARD: Final = Question(
    title="Discard {}",
    text="Nothing comes of it any more, and no later delivery brings it again. It cannot be undone.",
    button="Discard",
    back="Keep",
    done="discarded",
    danger=True,
)


class DiscardForm(forms.Form):
    """Why nothing is to come of an event."""

    reason = forms.CharField(
        max_length=dead_letters.LONGEST_REASON,
        widget=TextInput,
        help_text="For the audit log, such as how it was seen to by hand",
    )


def _redrive(row: InboxEvent, request: HttpRequest) -> None:
    dead_letters.redrive(row.consumer, row.event_id, by=actor_id(request))


def _discard(row: InboxEvent, request: HttpRequest, reason: str) -> None:
    dead_letters.discard(row.consumer, row.event_id, reason=reason, by=actor_id(request))


def last_line(text: str) -> str:
    """Return the last line of a trace: what failed, in its own words."""
    return text.strip().rpartition("\n")[2]


def _is_list(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and str(match.url_name).endswith("_changelist")
