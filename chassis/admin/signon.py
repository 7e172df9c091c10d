"""Single sign-on: a service's admin opens by a short token of its own, made by auth (ADR 0020).

The browser keeps the token in a cookie of that service's path. Where it lacks or has ended, the
browser is sent to auth, which makes a new one for whoever is logged in there, and back again.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlencode

import msgspec
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers

from chassis import problems
from chassis.tokens.principal import Principal
from chassis.tokens.verification import InvalidToken, KeysUnknown, verify_admin

ADMIN_PREFIX: Final = "/admin/"
SIGN_ON_PATH: Final = "/admin/auth/sign-on"
LOG_OUT_PATH: Final = "/admin/auth/log-out"
NAME_COOKIE: Final = "souk_staff_name"
"""The name to greet with; nothing else depends on it."""

JUST_NOW_SECONDS: Final = 5
"""A token that was made this moment and is refused: to ask for another would go round in circles."""

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def token_cookie(service: str) -> str:
    """Return the name of the cookie that holds a service's token."""
    return f"souk_{service}_token"


def exempt(view: View) -> View:
    """Open a view under an admin's path to anyone: the log-in page and what belongs to it."""
    view.sign_on_exempt = True  # type: ignore[attr-defined]
    return view


@dataclass(frozen=True, slots=True)
class StaffUser(Principal):
    """Who a verified token speaks for, with the name that the browser was told."""

    name: str = ""

    def get_full_name(self) -> str:
        """Return the name to greet with."""
        return self.name or self.get_username()


class SameMethodRedirect(HttpResponseRedirect):
    """Sends the browser on with the same method and body (RFC 9110, section 15.4.8).

    So a form that took longer to fill in than the token lives is not lost.
    """

    status_code = 307


class SignOnMiddleware(AuthenticationMiddleware):
    """Sets `request.user` on the admin's paths, and sends everybody who is not signed on to auth."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        """Take the user from the token; nothing is looked up."""
        if not request.path.startswith(ADMIN_PREFIX):
            return None
        request.user = AnonymousUser()
        token = request.COOKIES.get(token_cookie(settings.SERVICE))
        if token:
            try:
                request.user = _staff_user(verify_admin(token), request)  # type: ignore[assignment]
            except InvalidToken:
                if _is_new(token):
                    return _try_again(request)
            except KeysUnknown:
                return _try_again(request)
        return None

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Let staff pass, and anyone where a view is exempt."""
        if not request.path.startswith(ADMIN_PREFIX):
            return None
        if request.user.is_authenticated or getattr(view, "sign_on_exempt", False):
            return None
        return redirect_with_method(
            request, f"{SIGN_ON_PATH}?{urlencode({'next': request.get_full_path()})}"
        )


def redirect_with_method(request: HttpRequest, url: str) -> HttpResponse:
    """Return a redirect that keeps the method, and is not kept by anyone."""
    is_read = request.method in {"GET", "HEAD"}
    answer = HttpResponseRedirect(url) if is_read else SameMethodRedirect(url)
    add_never_cache_headers(answer)
    return answer


class _Times(msgspec.Struct):
    """What is read of a refused token."""

    iat: int


def _is_new(token: str) -> bool:
    """Tell whether a refused token says that it was made just now.

    So it is while this service does not know auth's newest key yet.
    """
    try:
        payload = urlsafe_b64decode(token.split(".")[1] + "==")
        issued_at = msgspec.json.decode(payload, type=_Times).iat
    except (ValueError, IndexError):
        return False
    return abs(time.time() - issued_at) < JUST_NOW_SECONDS


def _try_again(request: HttpRequest) -> HttpResponse:
    """Answer 503; a browser that reads asks again by itself."""
    answer = problems.unavailable(request)
    if request.method in {"GET", "HEAD"}:
        answer["Refresh"] = "2"
    add_never_cache_headers(answer)
    return answer


def _staff_user(principal: Principal, request: HttpRequest) -> StaffUser:
    return StaffUser(
        subject=principal.subject,
        role=principal.role,
        scopes=principal.scopes,
        user_id=principal.user_id,
        name=unquote(request.COOKIES.get(NAME_COOKIE, ""))[:150],
    )
