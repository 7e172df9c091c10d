"""The pages through which staff log in to every admin, and those that links in mails lead to."""

from http import HTTPStatus
from math import ceil
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from unfold.sites import UnfoldAdminSite

from apps.auth_service import throttles
from apps.auth_service.errors import (
    CredentialsInvalid,
    LinkInvalid,
    NotStaff,
    PasswordUnfit,
    TokenInvalid,
    TooManyAttempts,
)
from apps.auth_service.forms import ConfirmForm, LogInForm, NewPasswordForm, ResetForm
from apps.auth_service.models import RefreshFamily
from apps.auth_service.services import accounts, passwords, sessions, staff
from chassis.admin import signon

LOG_IN_COOKIE: Final = "souk_auth_login"
_LOG_IN_PATH: Final = "/admin/auth/log-in"
_SALT: Final = "souk.auth.staff"

# Without a page of its own: for the colours and the title.
_theme: Final = UnfoldAdminSite()


@signon.exempt
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; open a log-in that every admin takes."""
    destination = _destination(request)
    if request.method != "POST":
        return _page(request, "log_in", LogInForm(), title="Log in", next=destination)
    form = LogInForm(request.POST)
    status, retry_after = HTTPStatus.BAD_REQUEST, 0
    if form.is_valid():
        try:
            return _logged_in(request, _open_session(request, form), destination)
        except CredentialsInvalid as error:
            form.add_error(None, f"{error.title}.")
        except NotStaff:
            form.add_error(None, "This account has no access to the admin.")
            status = HTTPStatus.FORBIDDEN
        except TooManyAttempts as error:
            retry_after = error.retry_after_seconds or 1
            form.add_error(None, f"Too many attempts. Try again in {retry_after} s.")
            status = HTTPStatus.TOO_MANY_REQUESTS
    page = _page(request, "log_in", form, title="Log in", next=destination)
    page.status_code = status
    if retry_after:
        page["Retry-After"] = str(retry_after)
    return page


@signon.exempt
@never_cache
@csrf_exempt  # it makes a cookie for whoever is logged in already, and takes no other input
@require_http_methods(["GET", "HEAD", "POST"])
def sign_on(request: HttpRequest) -> HttpResponse:
    """Give the browser a token for the service that `next` is a page of, and send it back there."""
    destination = _destination(request)
    service = _service_of(destination)
    try:
        issued = staff.issue_pass(_family_id(request), service=service)
    except TokenInvalid:
        return _see_other(f"{_LOG_IN_PATH}?{urlencode({'next': destination})}")
    except NotStaff:
        page = _page(request, "no_access", title="No access")
        page.status_code = HTTPStatus.FORBIDDEN
        return page
    answer = signon.redirect_with_method(request, destination)
    _set_cookie(answer, signon.token_cookie(service), issued.token, settings.ADMIN_PATHS[service])
    _set_cookie(answer, signon.NAME_COOKIE, quote(issued.name), signon.ADMIN_PREFIX)
    return answer


@signon.exempt
@never_cache
@csrf_exempt  # pages of every service send it, and each has a CSRF token of its own
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the log-in and forget every service's token; only for a page of this site (Origin)."""
    if request.headers.get("Origin") not in _own_origins(request):
        return _forbidden(request)
    family_id = _family_id(request)
    if family_id is not None:
        staff.close_session(family_id)
    answer = _see_other(_LOG_IN_PATH)
    for service, path in settings.ADMIN_PATHS.items():
        answer.delete_cookie(signon.token_cookie(service), path=path, samesite="Lax")
    answer.delete_cookie(signon.NAME_COOKIE, path=signon.ADMIN_PREFIX, samesite="Lax")
    answer.delete_cookie(LOG_IN_COOKIE, path=settings.ADMIN_PATH, samesite="Lax")
    return answer


@signon.exempt
@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Ask for an address to send a reset link to; with the link's token, ask for a new password."""
    if request.method == "POST" and "email" in request.POST:
        return _send_reset(request)
    if request.method == "POST":
        return _set_password(request)
    if token := request.GET.get("token"):
        form = NewPasswordForm(initial={"token": token})
        return _page(request, "new_password", form, title="Set a new password")
    return _page(request, "reset", ResetForm(), title="Reset your password")


@signon.exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest) -> HttpResponse:
    """Confirm the address that the link's token is of."""
    if request.method != "POST":
        form = ConfirmForm(initial={"token": request.GET.get("token", "")})
        return _page(request, "confirm", form, title="Confirm your e-mail address")
    form = ConfirmForm(request.POST)
    if form.is_valid():
        try:
            accounts.confirm_email(form.cleaned_data["token"])
        except LinkInvalid:
            return _link_is_dead(request)
        return _page(request, "done", title="Your address is confirmed")
    return _link_is_dead(request)


def _set_password(request: HttpRequest) -> HttpResponse:
    form = NewPasswordForm(request.POST)
    if form.is_valid():
        try:
            passwords.confirm_reset(
                token=form.cleaned_data["token"], password=form.cleaned_data["password"]
            )
        except LinkInvalid:
            return _link_is_dead(request)
        except PasswordUnfit as error:
            for reason in error.errors:
                form.add_error("password", reason["detail"])
        else:
            return _page(request, "done", title="Your password is set")
    return _bad(_page(request, "new_password", form, title="Set a new password"))


def _send_reset(request: HttpRequest) -> HttpResponse:
    form = ResetForm(request.POST)
    if not form.is_valid():
        return _bad(_page(request, "reset", form, title="Reset your password"))
    if throttles.PasswordResetThrottle().allow_request(request, None):  # type: ignore[arg-type]
        passwords.request_reset(form.cleaned_data["email"])
    return _page(request, "sent", title="Look into your mail")


def _open_session(request: HttpRequest, form: LogInForm) -> RefreshFamily:
    """Start the log-in that a valid form asks for.

    Raises:
        CredentialsInvalid, NotStaff, TooManyAttempts: there is none.
    """
    throttle = throttles.LoginThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type] # it reads META alone
        raise TooManyAttempts(retry_after_seconds=ceil(throttle.wait() or 1))
    address = throttles.client_address(request)
    user = sessions.check_credentials(**form.cleaned_data, ip=address)
    device = request.headers.get("User-Agent", "")
    family = staff.open_session(user, device=device, ip=address)
    throttle.count(request, None)  # type: ignore[arg-type] # as above
    return family


def _logged_in(request: HttpRequest, family: RefreshFamily, destination: str) -> HttpResponse:
    rotate_token(request)
    answer = _see_other(f"{signon.SIGN_ON_PATH}?{urlencode({'next': destination})}")
    answer.set_signed_cookie(
        LOG_IN_COOKIE,
        str(family.id),
        salt=_SALT,
        expires=family.expires_at,
        path=settings.ADMIN_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _see_other(url: str) -> HttpResponse:
    """Return the redirect after a form: the browser goes on with a GET (RFC 9110, section 15.4.4)."""
    answer = HttpResponseRedirect(url)
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer


def _set_cookie(answer: HttpResponse, name: str, value: str, path: str) -> None:
    """Set a cookie that lasts as long as the browser runs; what it holds ends by itself."""
    answer.set_cookie(
        name,
        value,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _family_id(request: HttpRequest) -> UUID | None:
    value = request.get_signed_cookie(LOG_IN_COOKIE, default=None, salt=_SALT)
    return UUID(value) if value else None


def _destination(request: HttpRequest) -> str:
    """Return the page of an admin to go to: what `next` asks for, if it is one."""
    wanted = request.GET.get("next") or request.POST.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and _service_of(wanted):
        return wanted
    return str(settings.ADMIN_PATH)


def _service_of(path: str) -> str:
    """Return the service whose admin a path is of; empty for any other path."""
    paths = settings.ADMIN_PATHS.items()
    return next((service for service, prefix in paths if path.startswith(prefix)), "")


def _own_origins(request: HttpRequest) -> set[str]:
    return {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}


def _page(
    request: HttpRequest, name: str, form: forms.Form | None = None, **context: Any
) -> TemplateResponse:
    template = f"accounts/signon/{name}.html"
    values = {**_theme.each_context(request), "form": form, "log_in_path": _LOG_IN_PATH, **context}
    return TemplateResponse(request, template, values)


def _bad(answer: HttpResponse) -> HttpResponse:
    answer.status_code = HTTPStatus.BAD_REQUEST
    return answer


def _link_is_dead(request: HttpRequest) -> HttpResponse:
    return _bad(_page(request, "dead_link", title="This link is no longer good"))


def _forbidden(request: HttpRequest) -> HttpResponse:
    answer = _page(request, "no_access", title="No access")
    answer.status_code = HTTPStatus.FORBIDDEN
    return answer
