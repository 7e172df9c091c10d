"""The audit log, with the e-mail addresses of those who acted: this service knows them."""

from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.auth_service.models import User
from chassis.admin.display import short_id
from chassis.admin.security import AuditEntryAdmin
from chassis.admin.theme import display


def with_actors(entries: Any) -> Any:
    """Return the audit entries with the e-mail address of whoever acted, as `actor_email`."""
    actor = User.objects.filter(pk=OuterRef("actor_id")).values("email")
    return entries.annotate(actor_email=Subquery(actor))


class AuthAuditEntryAdmin(AuditEntryAdmin):
    """Who of staff did what, when, to whom."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the entries with the actor's address; one query for a page."""
        return with_actors(super().get_queryset(request))

    @display(description="Actor")
    def actor(self, obj: Any) -> str:
        """Return who did it, with a link."""
        if obj.actor_id is None:
            return "a command"
        if obj.actor_email is None:
            return short_id(obj.actor_id)
        url = reverse("admin:accounts_user_change", args=[obj.actor_id])
        return format_html('<a href="{}">{}</a>', url, obj.actor_email)
