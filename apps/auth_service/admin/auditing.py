"""The audit log, with the e-mail addresses of those it is about: this service knows them."""

from typing import Any

from django.db.models import Case, OuterRef, QuerySet, Subquery, UUIDField, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.auth_service.models import User
from chassis.admin.security import AuditEntryAdmin
from chassis.admin.theme import display
from chassis.models import AuditEntry


def with_emails(entries: QuerySet[AuditEntry]) -> Any:
    """Return audit entries with the addresses of actors and targets, `actor_email` and `target_email`."""
    target = Case(When(target_type="user", then=Cast("target_id", UUIDField())))
    return entries.annotate(target_user=target).annotate(
        actor_email=_email_of("actor_id"), target_email=_email_of("target_user")
    )


def _email_of(field: str) -> Subquery:
    return Subquery(User.objects.filter(pk=OuterRef(field)).values("email"))


class AuthAuditEntryAdmin(AuditEntryAdmin):
    """Who of staff did what, when, to whom."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the entries with the users' addresses; one query for a page."""
        return with_emails(super().get_queryset(request))

    @display(description="Actor")
    def actor(self, obj: Any) -> str:
        """Return who did it, with a link."""
        if obj.actor_email is None:
            return super().actor(obj)
        return _link(obj.actor_id, obj.actor_email)

    @display(description="Target")
    def target(self, obj: Any) -> str:
        """Return what it was done to, a user with a link."""
        if obj.target_email is None:
            return super().target(obj)
        return _link(obj.target_id, obj.target_email)


def _link(user_id: object, email: str) -> str:
    url = reverse("admin:accounts_user_change", args=[user_id])
    return format_html('<a href="{}">{}</a>', url, email)
