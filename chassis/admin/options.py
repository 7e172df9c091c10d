"""What the pages of every model have in common: rights by role, bounded lists, an audited history."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import reverse

from chassis import audit
from chassis.admin.display import number_of
from chassis.admin.paging import BoundedChangeList, BoundedPaginator
from chassis.admin.theme import ThemeAdmin
from chassis.errors import PublicError
from chassis.models import AuditEntry

MOST_AT_ONCE: Final = 100
"""Rows that one action takes; a page shows fewer."""

_SHOWN_HISTORY: Final = 200
_FILTERED: Final = ("", "__exact", "__in", "__isnull", "_from", "_to")
"""What a filter of a field adds to its name; Django would take a regular expression too."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something happens."""

    title: str
    text: str
    button: str
    done: str = ""
    """What is told of selected rows, as in "2 sessions ended"."""
    danger: bool = False
    choices: Sequence[tuple[str, str]] = ()
    """Values and labels to choose one of; it comes back as `choice`."""


class ServiceModelAdmin(ThemeAdmin):
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
    has_history: ClassVar[bool] = True
    """Whether staff do anything to a row that the audit log tells of."""

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

    def confirmed(
        self,
        request: HttpRequest,
        obj: Model | None,
        question: Question,
        act: Callable[[str], str],
        *,
        back: str | None = None,
    ) -> HttpResponse:
        """Ask, and act once the answer is posted; then go back.

        Args:
            request: a GET asks, a POST is the answer.
            obj: what it is about, None where that is no one row.
            question: what is asked.
            act: takes the choice, calls one service and returns what was done, for people. Its
                public errors are shown as they are.
            back: where to go then; the object's page, or the list, if not given.
        """
        back = back or self._url_of(obj)
        if request.method != "POST":
            return self.ask(request, question, back=back, about=obj)
        choice = request.POST.get("choice", "")
        if question.choices and choice not in dict(question.choices):
            self.message_user(request, "Choose one.", messages.ERROR)
            return self.ask(request, question, back=back, about=obj)
        self.run(request, lambda: act(choice))
        return HttpResponseRedirect(back)

    def confirmed_selection(
        self,
        request: HttpRequest,
        rows: Sequence[Any],
        question: Question,
        act: Callable[[Any], None],
    ) -> HttpResponse | None:
        """Ask about the selected rows, and act on each once the answer is posted.

        Each is a call of a service and a transaction of its own: what is done stays done where a
        later one fails.

        Args:
            request: without `confirmed` it asks, with it it is the answer.
            rows: those of the selected ones that need it, MOST_AT_ONCE at most.
            question: what is asked; its title takes the number and the rows' name, as "End {}".
            act: calls one service for one row. Its public errors are shown as they are, each with
                the number of rows that it was of.
        """
        if not rows:
            self.message_user(request, "There is nothing left to do.", messages.WARNING)
            return None
        back = request.get_full_path()
        if request.POST.get("confirmed") != "yes":
            hidden = {"action": request.POST["action"], "confirmed": "yes"}
            return self.ask(
                request,
                replace(question, title=question.title.format(number_of(len(rows), self.model))),
                back=back,
                rows=[self.label_of(row) for row in rows],
                hidden=[
                    *hidden.items(),
                    *((ACTION_CHECKBOX_NAME, str(row.pk)) for row in rows),
                ],
            )
        failures: Counter[str] = Counter()
        for row in rows:
            try:
                act(row)
            except PublicError as error:
                failures[_sentence(error)] += 1
        if done := len(rows) - failures.total():
            told = f"{number_of(done, self.model)} {question.done}."
            self.message_user(request, told, messages.SUCCESS)
        for reason, number in failures.items():
            told = f"{number_of(number, self.model)} not: {reason}"
            self.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(back)

    def label_of(self, row: Any) -> str:
        """Return what a selected row is called where it is asked about."""
        return str(row)

    def run(self, request: HttpRequest, act: Callable[[], str]) -> None:
        """Call a service and tell the user what came of it."""
        try:
            told = act()
        except PublicError as error:
            self.message_user(request, _sentence(error), messages.ERROR)
        else:
            self.message_user(request, told, messages.SUCCESS)

    def submitted(
        self,
        request: HttpRequest,
        form: Form,
        act: Callable[[dict[str, Any]], str],
        *,
        fields: Mapping[type[PublicError], str] | None = None,
    ) -> bool:
        """Call a service with what a form holds; tell what came of it and return True.

        Where the form or the service refuses, return False: the form says why, and keeps what was
        typed.

        Args:
            request: a POST.
            form: bound to what was posted.
            act: takes what was typed, calls one service and returns what was done, for people.
            fields: beside which field a public error is shown; over the form if beside none.
        """
        if not form.is_valid():
            return False
        try:
            told = act(form.cleaned_data)
        except PublicError as error:
            refusal = ValidationError(_sentence(error), code=error.code)
            form.add_error((fields or {}).get(type(error)), refusal)
            return False
        self.message_user(request, told, messages.SUCCESS)
        return True

    def ask(
        self,
        request: HttpRequest,
        question: Question,
        *,
        back: str,
        about: Model | None = None,
        rows: Sequence[str] = (),
        hidden: Sequence[tuple[str, str]] = (),
    ) -> TemplateResponse:
        """Return the page with a question."""
        return self.page(
            request,
            "souk/confirm.html",
            title=question.title,
            question=question,
            object=about,
            back=back,
            rows=rows,
            hidden=hidden,
        )

    def _url_of(self, obj: Model | None) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if obj is None:
            return reverse(f"{name}_changelist")
        return reverse(f"{name}_change", args=[obj.pk])

    def row_page(
        self, request: HttpRequest, obj: Model, template: str, **context: Any
    ) -> TemplateResponse:
        """Return a page of our own about a row, with its buttons and the way to its history."""
        object_id = str(obj.pk)
        allowed = self.get_actions_detail(request, object_id)
        buttons = self._get_actions_navigation(self.actions_detail, allowed, object_id)
        shown = {"original": obj, "actions_detail": buttons, "show_history": self.has_history}
        return self.page(request, template, **{**shown, **context})

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        """Return a page of our own in the site's frame."""
        request.current_app = self.admin_site.name
        common = {**self.admin_site.each_context(request), "opts": self.opts, "model_admin": self}
        return TemplateResponse(request, template, {**common, **context})


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


def _sentence(error: PublicError) -> str:
    return error.detail or error.title


def _is_staff(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_staff", False))
