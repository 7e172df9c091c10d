"""Staff's one log-in, which opens every service's admin (ADR 0020)."""

from http import HTTPStatus
from math import ceil
from typing import Final
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.auth_service import selectors, throttles
from apps.auth_service.errors import CredentialsInvalid, NotStaff, TokenInvalid, TooManyAttempts
from apps.auth_service.forms import LogInForm
from apps.auth_service.models import RefreshFamily
from apps.auth_service.pages.frame import LOG_IN_PATH, page
from apps.auth_service.services import sessions, staff
from chassis.admin import signon

LOG_IN_COOKIE: Final = "souk_auth_login"
_SALT: Final = "souk.auth.staff"


@signon.exempt
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; open a log-in that every admin takes."""
    destination = _destination(request)
    if request.method != "POST":
        if selectors.is_live_session(_family_id(request), now=timezone.now()):
            return _to_sign_on(destination)
        lost = "lost" in request.GET
        return page(request, "log_in", LogInForm(), title="Log in", next=destination, lost=lost)
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
    answer = page(request, "log_in", form, title="Log in", next=destination, status=status)
    if retry_after:
        answer["Retry-After"] = str(retry_after)
    return answer


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
        lost = {} if request.method in {"GET", "HEAD"} else {"lost": "1"}
        return _see_other(f"{LOG_IN_PATH}?{urlencode({'next': destination, **lost})}")
    except NotStaff:
        return page(request, "no_access", title="No access", status=HTTPStatus.FORBIDDEN)
    # Only the page that asked gets what was sent to it.
    is_asked_for = destination == request.GET.get("next")
    answer = (
        signon.redirect_with_method(request, destination)
        if is_asked_for
        else _see_other(destination)
    )
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
        title = "Log out on a page of this shop"
        return page(request, "not_logged_out", title=title, status=HTTPStatus.FORBIDDEN)
    family_id = _family_id(request)
    if family_id is not None:
        staff.close_session(family_id)
    answer = _see_other(LOG_IN_PATH)
    for service, path in settings.ADMIN_PATHS.items():
        answer.delete_cookie(signon.token_cookie(service), path=path, samesite="Lax")
    answer.delete_cookie(signon.NAME_COOKIE, path=signon.ADMIN_PREFIX, samesite="Lax")
    answer.delete_cookie(LOG_IN_COOKIE, path=settings.ADMIN_PATH, samesite="Lax")
    return answer


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
    throttle.count(request, None)  # type: ignore[arg-type] # as above
    device = request.headers.get("User-Agent", "")
    return staff.open_session(user, device=device, ip=address)


def _logged_in(request: HttpRequest, family: RefreshFamily, destination: str) -> HttpResponse:
    rotate_token(request)
    former = _family_id(request)
    if former is not None:  # of this browser: nothing leads to it any more
        staff.close_session(former)
    answer = _to_sign_on(destination)
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


def _to_sign_on(destination: str) -> HttpResponse:
    return _see_other(f"{signon.SIGN_ON_PATH}?{urlencode({'next': destination})}")


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
    return wanted if _service_of(wanted) else str(settings.ADMIN_PATH)


def _service_of(path: str) -> str:
    """Return the service whose admin a path of this host is of; empty for anything else."""
    paths = settings.ADMIN_PATHS.items()
    service = next((service for service, prefix in paths if path.startswith(prefix)), "")
    segments = unquote(path.partition("?")[0]).split("/")
    leads_elsewhere = "\\" in path or not {".", ".."}.isdisjoint(segments)
    return service if path.isprintable() and not leads_elsewhere else ""


def _own_origins(request: HttpRequest) -> set[str]:
    return {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
