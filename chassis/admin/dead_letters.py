"""The pages of dead letters: what a handler gave up on or what was refused, and the ways out."""

from dataclasses import replace
from typing import Any, Final

from django import forms
from django.contrib.admin import action as list_action
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from chassis.admin import events
from chassis.admin.asking import Question
from chassis.admin.display import when
from chassis.admin.events import InboxAdmin
from chassis.admin.filters import ConsumedTypeFilter, ConsumerFilter
from chassis.admin.options import MOST_AT_ONCE, actor_id
from chassis.admin.theme import ActionVariant, TextInput, action, display
from chassis.events import dead_letters
from chassis.models import AuditEntry, DeadLetter, InboxEvent


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
    def reason(self, obj: DeadLetter) -> SafeString | str:
        """Return the last line of the failure, and what was refused."""
        return events.reason(obj)

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
        if row.consumer == dead_letters.refused():
            return f"{row.type} message {events.message_line(row)}"
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
