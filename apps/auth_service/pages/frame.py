"""What the pages share: the theme's frame around one form."""

from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse

from chassis.admin.theme import ThemeSite

LOG_IN_PATH: Final = "/admin/auth/log-in"

# Without pages of its own: for the colours and the title.
_theme: Final = ThemeSite()


def page(
    request: HttpRequest,
    name: str,
    form: forms.Form | None = None,
    *,
    status: int = HTTPStatus.OK,
    **context: Any,
) -> TemplateResponse:
    """Return a page by the name of its template."""
    values = {**_theme.each_context(request), "form": form, "log_in_path": LOG_IN_PATH, **context}
    return TemplateResponse(request, f"accounts/pages/{name}.html", values, status=status)
