"""What the pages of every model have in common: rights by role, bounded lists, an audited history."""

from collections.abc import Collection
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
)

from chassis import audit
from chassis.admin.asking import AskingAdmin
from chassis.admin.paging import BoundedChangeList, BoundedPaginator
from chassis.models import AuditEntry

MOST_AT_ONCE: Final = 100
"""Rows that one action takes; a page shows fewer."""

_SHOWN_HISTORY: Final = 200
_FILTERED: Final = ("", "__exact", "__in", "__isnull", "_from", "_to")
"""What a filter of a field adds to its name; Django would take a regular expression too."""


class ServiceModelAdmin(AskingAdmin):
    """Base of all pages. Staff may do all; what only admins may, an action says with its permission.

    Nothing costs more because a table has grown: no list counts or sorts a whole table.
    """

    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    sortable_by: ClassVar = ()
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    list_fullwidth = True
    list_filter_submit = True
    list_disable_select_all = True
    show_facets = ShowFacets.NEVER
    empty_value_display = "–"  # noqa: RUF001 -- an en dash stands for nothing
    audit_type: ClassVar[str] = ""
    """What audit entries call this model; its name if empty."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the pages are open to the user."""
        return _is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may look."""
        return _is_staff(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may add a row."""
        return _is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may change the row."""
        return _is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may delete the row."""
        return _is_staff(request)

    def has_admin_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may do what is an admin's to do."""
        return bool(getattr(request.user, "is_admin", False))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Tell whether a list may be narrowed by a parameter: by its filters alone.

        Django takes every field of the model, and who may ask of a hidden one how it begins can
        read all of it.
        """
        fields = [str(one[0]) for one in self.list_filter if isinstance(one, tuple)]
        asked = {f"{name}{end}" for name in fields for end in _FILTERED}
        own = {getattr(one, "parameter_name", None) for one in self.list_filter}
        return lookup in own | asked

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        """Return how the rows of a list are fetched."""
        return BoundedChangeList

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show a row."""
        shown = {"show_history": self.has_history, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, shown)

    def buttons_but(
        self, request: HttpRequest, object_id: Any, hidden: Collection[str]
    ) -> list[Any]:
        """Return the buttons of a row's page, but for those of some names."""
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if one.path.removesuffix("/").replace("-", "_") not in hidden
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions, without Django's deletion of rows past every service."""
        return {
            name: action
            for name, action in super().get_actions(request).items()
            if name != "delete_selected"
        }

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **options: Any
    ) -> Any:
        """Run an action on the selected rows.

        Raises:
            BadRequest: what is selected is no row's id.
        """
        try:
            return super().response_action(request, queryset, *args, **options)
        except (ValidationError, ValueError, DataError) as error:
            raise BadRequest from error

    # The audit log in the place of Django's LogEntry, which needs a user table

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Note what was added, in the transaction that adds it."""
        return self._record(request, "added", obj)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Note what was changed, in the transaction that changes it."""
        fields = [name for part in message for name in part.get("changed", {}).get("fields", [])]
        return self._record(request, "changed", obj, fields=fields)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note what is to be deleted, in the transaction that deletes it."""
        return [self._record(request, "deleted", obj, name=str(obj)) for obj in queryset]

    def _record(self, request: HttpRequest, verb: str, obj: Model, **details: Any) -> AuditEntry:
        kind = self.audit_type or str(self.opts.model_name)
        return audit.record(
            f"{kind}.{verb}",
            target_type=kind,
            target_id=obj.pk,
            actor_id=actor_id(request),
            **details,
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the audit log tells about the object, newest first."""
        obj = self.object_or_404(request, object_id)
        return self.page(
            request,
            "souk/history.html",
            title=f"History: {obj}",
            object=obj,
            entries=self.history_of(obj)[:_SHOWN_HISTORY],
        )

    def history_of(self, obj: Model) -> QuerySet[AuditEntry]:
        """Return the audit entries about the object, newest first."""
        kind = self.audit_type or str(self.opts.model_name)
        return AuditEntry.objects.filter(target_type=kind, target_id=str(obj.pk)).order_by("-id")

    # Actions that ask first

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page.

        Raises:
            Http404: there is none.
        """
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj


class NarrowedButtonsAdmin(ServiceModelAdmin):
    """A list whose buttons are about the rows that its filters and its search leave."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; its buttons' addresses say what it is narrowed to."""
        answer = super().changelist_view(request, extra_context)
        shown = getattr(answer, "context_data", None) or {}
        if narrowed := request.GET.urlencode():
            for button in shown.get("actions_list", ()):
                button["path"] += f"?{narrowed}"
        return answer


class ReadOnlyAdmin(ServiceModelAdmin):
    """Pages on which nothing is written but by actions."""

    has_history = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody may add a row."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody may change a row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody may delete a row."""
        return False


def actor_id(request: HttpRequest) -> UUID:
    """Return who asks, for audit entries and services."""
    return cast("UUID", request.user.user_id)  # type: ignore[union-attr]


def _is_staff(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_staff", False))
