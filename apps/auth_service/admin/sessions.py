"""Log-ins: seen, and ended."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import action as list_action
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from apps.auth_service import selectors
from apps.auth_service.models import RefreshFamily
from apps.auth_service.services import sessions
from chassis.admin.asking import Question
from chassis.admin.display import when
from chassis.admin.filters import as_uuid
from chassis.admin.options import MOST_AT_ONCE, ReadOnlyAdmin, actor_id
from chassis.admin.theme import DropdownFilter, action, display


class LiveFilter(DropdownFilter):
    """Whether the log-in still gives tokens."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [("live", "Live"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the log-ins chosen."""
        live = selectors.live(timezone.now())
        conditions = {"live": live, "ended": ~live}
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class SessionAdmin(ReadOnlyAdmin):
    """One line for each log-in on a device."""

    list_display = ("user_", "state", "device_", "address", "began", "used")
    list_filter = (LiveFilter,)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "Part of the user's e-mail address, or the user's whole id"
    fields = (
        *("user_", "state", "device", "address", "created_at", "last_used_at"),
        *("expires_at", "revoked_at", "id"),
    )
    readonly_fields = fields
    audit_type = "session"
    has_history = True
    actions = ("end_selected",)
    actions_detail = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the log-ins, and of each whether it still gives tokens."""
        is_live = ExpressionWrapper(selectors.live(timezone.now()), output_field=BooleanField())
        found: QuerySet[Any] = super().get_queryset(request).annotate(is_live=is_live)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the log-ins of a user's id, or of users whose address holds the words."""
        user_id = as_uuid(search_term)
        if user_id is not None:
            return queryset.filter(user_id=user_id), False
        return super().get_search_results(request, queryset, search_term)

    @display(description="User")
    def user_(self, obj: RefreshFamily) -> str:
        """Return whose it is, with a link."""
        return obj.user.email

    @display(description="State", label={"live": "success", "ended": "", "expired": ""})
    def state(self, obj: Any) -> str:
        """Return whether it still gives tokens."""
        if obj.is_live:
            return "live"
        return "ended" if obj.revoked_at is not None else "expired"

    @display(description="Device")
    def device_(self, obj: RefreshFamily) -> str:
        """Return the device, shortened."""
        if not obj.device:
            return ""
        return format_html('<span title="{}">{}</span>', obj.device, _shortened(obj.device))

    @display(description="Address")
    def address(self, obj: RefreshFamily) -> str | None:
        """Return the address that it was last used from."""
        return obj.ip

    @display(description="Logged in")
    def began(self, obj: RefreshFamily) -> str:
        """Return how long ago it began."""
        return when(obj.created_at)

    @display(description="Last used")
    def used(self, obj: RefreshFamily) -> str:
        """Return how long ago it was last used."""
        return when(obj.last_used_at)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the button, where there is something to end and the user may."""
        family = self.get_object(request, str(object_id))
        if family is None or not (self._is_live(family) and _may_end(family, request)):
            return []
        return super().get_actions_detail(request, object_id)

    @action(description="End session", url_path="end", icon="logout")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End one."""
        family: RefreshFamily = self.object_or_404(request, object_id)
        if not _may_end(family, request):
            raise PermissionDenied
        back = reverse("admin:accounts_refreshfamily_change", args=[family.pk])
        if not self._is_live(family):
            self.message_user(request, "It has ended already.", messages.WARNING)
            return HttpResponseRedirect(back)

        def act(_: str) -> str:
            _end(family, request)
            return "The session is ended."

        question = replace(_QUESTION, title=f"End session of {family.user.email}")
        return self.confirmed(request, None, question, act, back=back)

    @list_action(description="End sessions")
    def end_selected(
        self, request: HttpRequest, queryset: QuerySet[RefreshFamily]
    ) -> HttpResponse | None:
        """End the selected ones."""
        live = [family for family in queryset[:MOST_AT_ONCE] if self._is_live(family)]
        return self.confirmed_selection(
            request, live, _QUESTION, lambda family: _end(family, request)
        )

    def label_of(self, row: RefreshFamily) -> str:
        """Return what it is called where it is asked about."""
        device = _shortened(row.device) or "unknown device"
        return f"{row.user.email}, {device}, {row.ip or 'unknown address'}"

    def _is_live(self, family: RefreshFamily) -> bool:
        return self.state(family) == "live"


_QUESTION: Final = Question(
    title="End {}",
    text="The device is logged out once its token ends, within minutes.",
    button="End",
    done="ended",
    danger=True,
)


def _may_end(family: RefreshFamily, request: HttpRequest) -> bool:
    return selectors.may_look_after(family.user_id, by=actor_id(request))


def _end(family: RefreshFamily, request: HttpRequest) -> None:
    sessions.end_session(family.id, user_id=None, by=actor_id(request))


def _shortened(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:47]}…"  # noqa: PLR2004 -- what a column takes
