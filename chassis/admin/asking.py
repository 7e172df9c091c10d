"""Pages that ask before something happens, and tell what came of it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from chassis.admin.display import number_of
from chassis.admin.theme import ThemeAdmin
from chassis.errors import PublicError


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something happens."""

    title: str
    text: str
    button: str
    back: str = "Cancel"
    """What leads back where nothing is to happen."""
    done: str = ""
    """What is told of selected rows, as in "2 sessions ended" and "could not be ended"."""
    danger: bool = False
    choices: Sequence[tuple[str, str]] = ()
    """Values and labels to choose one of; it comes back as `choice`."""


class AskingAdmin(ThemeAdmin):
    """The part of every page that calls services, once confirmed, and shows what they refuse."""

    has_history: ClassVar[bool] = True
    """Whether staff do anything to a row that the audit log tells of."""

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
            back: where to go then; the object's page, or the list, if not given. What is refused
                leads to the object's page: it is there still.
        """
        back = back or self._url_of(obj)
        if request.method != "POST":
            return self.ask(request, question, back=back, about=obj)
        choice = request.POST.get("choice", "")
        if question.choices and choice not in dict(question.choices):
            self.message_user(request, "Choose one.", messages.ERROR)
            return self.ask(request, question, back=back, about=obj)
        is_done = self.run(request, lambda: act(choice))
        return HttpResponseRedirect(back if is_done or obj is None else self._url_of(obj))

    def confirmed_selection(
        self,
        request: HttpRequest,
        rows: Sequence[Any],
        question: Question,
        act: Callable[[Any], None],
        *,
        form: Form | None = None,
    ) -> HttpResponse | None:
        """Ask about the selected rows, and act on each once the answer is posted.

        Each is a call of a service and a transaction of its own: what is done stays done where a
        later one fails.

        Args:
            request: without `confirmed` it asks, with it it is the answer.
            rows: those of the selected ones that need it, MOST_AT_ONCE at most.
            question: what is asked; its title takes the number and the rows' name, as "End {}".
            act: calls one service for one row. Its public errors are shown as they are, each with
                the row that it was of, or the number of rows.
            form: what is asked besides, bound once the answer is posted; nothing is done before it
                is valid, and `act` takes what was typed from it.
        """
        if not rows:
            self.message_user(request, "There is nothing left to do.", messages.WARNING)
            return None
        back = request.get_full_path()
        is_answered = request.POST.get("confirmed") == "yes"
        if not is_answered or (form is not None and not form.is_valid()):
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
                form=form,
            )
        failures: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            try:
                act(row)
            except PublicError as error:
                failures[str(error)].append(self.label_of(row))
        if done := len(rows) - sum(map(len, failures.values())):
            told = f"{number_of(done, self.model)} {question.done}."
            self.message_user(request, told, messages.SUCCESS)
        for reason, labels in failures.items():
            which = f" ({labels[0]})" if len(labels) == 1 else ""
            told = f"{number_of(len(labels), self.model)} could not be {question.done}{which}: {reason}"
            self.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(back)

    def label_of(self, row: Any) -> str:
        """Return what a selected row is called where it is asked about."""
        return str(row)

    def run(self, request: HttpRequest, act: Callable[[], str]) -> bool:
        """Call a service, tell the user what came of it, and return whether it was done."""
        try:
            told = act()
        except PublicError as error:
            self.message_user(request, str(error), messages.ERROR)
            return False
        self.message_user(request, told, messages.SUCCESS)
        return True

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
            refusal = ValidationError(str(error), code=error.code)
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
        form: Form | None = None,
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
            form=form,
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
