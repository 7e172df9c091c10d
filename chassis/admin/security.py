"""The audit log, and who is denied."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from chassis.admin.display import (
    changes,
    code,
    pretty_json,
    short_id,
    user_link,
    when,
    whole_time,
)
from chassis.admin.filters import ActorFilter, DayRangeFilter, RecentActionFilter
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.theme import display
from chassis.models import AuditEntry, DenyEntry


class AuditEntryAdmin(ReadOnlyAdmin):
    """Who of staff did what, when, to what. Nothing here can be changed."""

    list_display = ("action", "actor", "target", "at_", "summary", "request_")
    list_filter = (RecentActionFilter, ActorFilter, ("at", DayRangeFilter))
    search_fields = ("target_id",)
    search_help_text = "Whole id of the target, such as a user's id"
    fields = ("id", "action", "actor", "target", "target_id", "at", "request_id", "whole")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what was done to a target."""
        term = search_term.strip()
        return (queryset.filter(target_id=term) if term else queryset), False

    @display(description="Actor")
    def actor(self, obj: AuditEntry) -> str:
        """Return who did it, with a link."""
        return user_link(obj.actor_id) if obj.actor_id else "a command"

    @display(description="Target")
    def target(self, obj: AuditEntry) -> str:
        """Return what it was done to."""
        return format_html("{} {}", obj.target_type, short_id(obj.target_id))

    @display(description="When")
    def at_(self, obj: AuditEntry) -> str:
        """Return how long ago it was done."""
        return when(obj.at)

    @display(description="Details")
    def summary(self, obj: AuditEntry) -> str:
        """Return what changed, on one line."""
        return changes(obj.details)[:120]

    @display(description="Request")
    def request_(self, obj: AuditEntry) -> str:
        """Return the id of the request, shortened."""
        return short_id(obj.request_id)

    @display(description="Details")
    def whole(self, obj: AuditEntry) -> str:
        """Return what changed, as it is kept."""
        return pretty_json(obj.details)


class DenyEntryAdmin(ReadOnlyAdmin):
    """Whose older tokens are refused here."""

    list_display = ("user", "issued_until")
    ordering = ("-not_before", "-pk")
    fields = ("user_id", "issued_until_whole")
    readonly_fields = fields

    @display(description="User")
    def user(self, obj: DenyEntry) -> str:
        """Return the user's id."""
        return code(obj.user_id)

    @display(description="Tokens refused that were issued until")
    def issued_until(self, obj: DenyEntry) -> str:
        """Return how long ago the newest refused token was issued."""
        return when(obj.not_before)

    @display(description="Tokens refused that were issued until")
    def issued_until_whole(self, obj: DenyEntry) -> str:
        """Return when the newest refused token was issued."""
        return whole_time(obj.not_before)
