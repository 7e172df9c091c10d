"""Where the links in mails lead, unless the shop has pages of its own: for customers and staff."""

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.auth_service import throttles
from apps.auth_service.errors import LinkInvalid, PasswordUnfit, PasswordWrong
from apps.auth_service.forms import ConfirmForm, NewPasswordForm, ResetForm
from apps.auth_service.pages.frame import page
from apps.auth_service.services import accounts, passwords
from chassis.admin import signon

_CONFIRM: Final = "Confirm your e-mail address"
_TOO_MANY: Final = "Too many requests. Try again in a minute."


@signon.exempt
@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Ask for an address to send a link to; with the link's token, ask for a new password."""
    if request.method == "POST":
        return _send_link(request) if "email" in request.POST else _set_password(request)
    token = request.GET.get("token")
    if token is None:
        return page(request, "reset", ResetForm(), title="Reset your password")
    try:
        passwords.check_reset(token)
    except LinkInvalid:
        return _dead_link(request)
    form = NewPasswordForm(initial={"token": token})
    return page(request, "new_password", form, title="Set a new password")


@signon.exempt
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest) -> HttpResponse:
    """Confirm the address that the link's token is of, by the password chosen at registration."""
    if request.method == "POST":
        return _confirm(request)
    token = request.GET.get("token", "")
    try:
        accounts.check_confirmation(token)
    except LinkInvalid:
        return _dead_link(request)
    return page(request, "confirm", ConfirmForm(initial={"token": token}), title=_CONFIRM)


def _confirm(request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request.POST)
    status = HTTPStatus.BAD_REQUEST
    throttle = throttles.ConfirmationThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type] # it reads META alone
        form.add_error(None, _TOO_MANY)
        status = HTTPStatus.TOO_MANY_REQUESTS
    elif form.is_valid():
        try:
            accounts.confirm_email(**form.cleaned_data)
        except LinkInvalid:
            return _dead_link(request)
        except PasswordWrong:
            form.add_error("password", "This is not the password of the last registration.")
        else:
            return page(request, "done", title="Your address is confirmed")
    return page(request, "confirm", form, title=_CONFIRM, status=status)


def _send_link(request: HttpRequest) -> HttpResponse:
    form = ResetForm(request.POST)
    title, status = "Reset your password", HTTPStatus.BAD_REQUEST
    if form.is_valid():
        throttle = throttles.PasswordResetThrottle()
        if throttle.allow_request(request, None):  # type: ignore[arg-type] # it reads META alone
            passwords.request_reset(form.cleaned_data["email"])
            return page(request, "sent", title="Look into your mail")
        status = HTTPStatus.TOO_MANY_REQUESTS
        form.add_error(None, _TOO_MANY)
    return page(request, "reset", form, title=title, status=status)


def _set_password(request: HttpRequest) -> HttpResponse:
    form = NewPasswordForm(request.POST)
    if form.is_valid():
        try:
            passwords.confirm_reset(
                token=form.cleaned_data["token"], password=form.cleaned_data["password"]
            )
        except LinkInvalid:
            return _dead_link(request)
        except PasswordUnfit as error:
            for reason in error.errors:
                form.add_error("password", reason["detail"])
        else:
            return page(request, "done", title="Your password is set")
    title = "Set a new password"
    return page(request, "new_password", form, title=title, status=HTTPStatus.BAD_REQUEST)


def _dead_link(request: HttpRequest) -> HttpResponse:
    title = "This link is no longer good"
    return page(request, "dead_link", title=title, status=HTTPStatus.BAD_REQUEST)
