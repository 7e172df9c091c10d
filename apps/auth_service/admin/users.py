"""Users: seen by staff; roles and activity are changed by admins. Every change is a service's."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.auth_service import selectors
from apps.auth_service.admin.auditing import with_emails
from apps.auth_service.models import RefreshFamily, Role, User
from apps.auth_service.services import accounts, passwords, sessions
from apps.auth_service.services.accounts import AccessChange
from chassis.admin.asking import Question
from chassis.admin.display import number_of, when
from chassis.admin.filters import DayRangeFilter, as_uuid
from chassis.admin.options import ReadOnlyAdmin, actor_id
from chassis.admin.theme import (
    ActionVariant,
    ChoicesDropdownFilter,
    DropdownFilter,
    action,
    display,
)

_SHOWN = 50
ROLE_COLOURS = {"customer": "", "staff": "info", "admin": "primary"}
STATE_COLOURS = {"active": "success", "inactive": "danger", "awaits confirmation": "warning"}


class StateFilter(DropdownFilter):
    """Whether the account is open."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [
            ("active", "Active"),
            ("inactive", "Inactive"),
            ("unconfirmed", "Awaits confirmation"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the users chosen."""
        conditions = {
            "active": Q(is_active=True, awaits_confirmation=False),
            "inactive": Q(is_active=False),
            "unconfirmed": Q(is_active=True, awaits_confirmation=True),
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class UserAdmin(ReadOnlyAdmin):
    """Accounts, and what staff may do about them."""

    list_display = ("who", "role_", "state", "registered")
    list_filter = (("role", ChoicesDropdownFilter), StateFilter, ("created_at", DayRangeFilter))
    search_fields = ("email", "name")
    search_help_text = "Part of an e-mail address or name, or a whole id"
    fields = ("email", "name", "role_", "state", "created_at", "id")
    readonly_fields = fields
    audit_type = "user"
    actions_detail = ("change_role", "activate", "deactivate", "send_reset", "end_sessions")
    change_form_outer_after_template = "accounts/admin/user.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the users, without what their passwords are kept as."""
        return super().get_queryset(request).defer("password")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the user of an id, or those whose address or name holds the words."""
        user_id = as_uuid(search_term)
        if user_id is not None:
            return queryset.filter(pk=user_id), False
        return super().get_search_results(request, queryset, search_term)

    @display(description="User", header=True)
    def who(self, obj: User) -> tuple[str, str]:
        """Return name and address."""
        return obj.name, obj.email

    @display(description="Role", label=ROLE_COLOURS)
    def role_(self, obj: User) -> str:
        """Return the role."""
        return obj.role

    @display(description="State", label=STATE_COLOURS)
    def state(self, obj: User) -> str:
        """Return whether the account is open."""
        if not obj.is_active:
            return "inactive"
        return "awaits confirmation" if obj.awaits_confirmation else "active"

    @display(description="Registered")
    def registered(self, obj: User) -> str:
        """Return how long ago the account was opened."""
        return when(obj.created_at)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a user, with the log-ins that live and what staff did of late."""
        user_id = as_uuid(object_id)
        shown: dict[str, Any] = {}
        if user_id is not None:
            live = selectors.live_sessions(user_id, now=timezone.now())
            shown["sessions"] = live.order_by("-id")[:_SHOWN]
            shown["entries"] = with_emails(self.history_of(User(pk=user_id)))[:_SHOWN]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the buttons that fit the user's state, and who asks."""
        user_id = as_uuid(str(object_id))
        user = User.objects.filter(pk=user_id).only("is_active").first() if user_id else None
        is_active = user is None or user.is_active
        hidden = {"activate"} if is_active else {"deactivate", "send_reset"}
        if user is not None and not selectors.may_look_after(user.id, by=actor_id(request)):
            hidden |= {"send_reset", "end_sessions"}
        return self.buttons_but(request, object_id, hidden)

    @action(
        description="Change role",
        url_path="change-role",
        permissions=["admin"],
        icon="manage_accounts",
    )
    def change_role(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the user another role."""
        user: User = self.object_or_404(request, object_id)
        question = Question(
            title="Change role",
            text="The new role counts at once: tokens with the old one are refused everywhere.",
            button="Change role",
            choices=[(value, str(label)) for value, label in Role.choices if value != user.role],
        )

        def act(choice: str) -> str:
            self._change_access(request, user.id, AccessChange(role=Role(choice)))
            return f"{user.name} is now {choice}."

        return self.confirmed(request, user, question, act)

    @action(
        description="Deactivate",
        url_path="deactivate",
        permissions=["admin"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def deactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Close the account."""
        question = Question(
            title="Deactivate user",
            text="The user is logged out everywhere and cannot log in; unpaid orders are cancelled."
            " It can be taken back, but for the orders.",
            button="Deactivate",
            danger=True,
        )
        return self._confirm_change(
            request, object_id, question, AccessChange(is_active=False), "{} is deactivated."
        )

    @action(description="Activate", url_path="activate", permissions=["admin"], icon="check_circle")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the account again."""
        question = Question(
            title="Activate user",
            text="The user can log in again, with the same password.",
            button="Activate",
        )
        return self._confirm_change(
            request, object_id, question, AccessChange(is_active=True), "{} is active again."
        )

    @action(description="Send reset", url_path="send-reset", icon="mail")
    def send_reset(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a link sent with which the user sets a new password."""
        question = Question(
            title="Send password reset",
            text="A link to set a new password is sent to the user's address."
            " The present password stays good until then.",
            button="Send",
        )

        def act(user: User) -> str:
            passwords.send_reset(user.id, by=actor_id(request))
            return f"A link is on its way to {user.email}."

        return self._confirm(request, object_id, question, act)

    @action(description="End sessions", url_path="end-sessions", icon="logout")
    def end_sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Log the user out everywhere."""
        question = Question(
            title="End all sessions",
            text="The user is logged out on every device once the token there ends, within minutes.",
            button="End all",
            danger=True,
        )

        def act(user: User) -> str:
            ended = sessions.revoke_all(user.id, by=actor_id(request))
            return f"{number_of(ended, RefreshFamily)} ended."

        return self._confirm(request, object_id, question, act)

    def _confirm_change(
        self,
        request: HttpRequest,
        object_id: str,
        question: Question,
        change: AccessChange,
        told: str,
    ) -> HttpResponse:
        def act(user: User) -> str:
            self._change_access(request, user.id, change)
            return told.format(user.name)

        return self._confirm(request, object_id, question, act)

    def _confirm(
        self, request: HttpRequest, object_id: str, question: Question, act: Callable[[User], str]
    ) -> HttpResponse:
        user: User = self.object_or_404(request, object_id)
        if not selectors.may_look_after(user.id, by=actor_id(request)):
            raise PermissionDenied
        return self.confirmed(request, user, question, lambda _: act(user))

    def _change_access(self, request: HttpRequest, user_id: UUID, change: AccessChange) -> None:
        accounts.change_access(user_id, change=change, by=actor_id(request))
