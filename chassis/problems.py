"""Every error as application/problem+json (RFC 9457), and as a small page on the admin's paths."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from chassis import context, json
from chassis.database import UNAVAILABLE
from chassis.errors import PublicError

CONTENT_TYPE: Final = "application/problem+json"

log = structlog.get_logger()

_CODES: Final[Mapping[type[exceptions.APIException], tuple[str, str]]] = {
    json.BodyTooLarge: ("body-too-large", "The body is too large"),
    exceptions.ValidationError: ("validation-failed", "Some fields are not valid"),
    exceptions.ParseError: ("body-malformed", "The body cannot be read"),
    exceptions.NotAuthenticated: ("authentication-required", "Log in first"),
    exceptions.AuthenticationFailed: ("token-invalid", "The token is not valid"),
    exceptions.PermissionDenied: ("permission-denied", "Your role may not do this"),
    exceptions.NotFound: ("not-found", "Not found"),
    exceptions.MethodNotAllowed: ("method-not-allowed", "This method is not allowed here"),
    exceptions.UnsupportedMediaType: ("unsupported-media-type", "This type is not taken here"),
    exceptions.Throttled: ("rate-limited", "Too many requests"),
}
_BY_STATUS: Final = {
    400: ("request-malformed", "The request cannot be read"),
    403: ("permission-denied", "Your role may not do this"),
    404: ("not-found", "Not found"),
    413: ("body-too-large", "The body is too large"),
    500: ("internal-error", "Something failed on our side"),
    503: ("unavailable", "Try again in a moment"),
}
_RETRY_SECONDS: Final = "1"
_PAGES: Final = "/admin/"
"""Paths of the admin: what fails there is told to a person."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What is always the same of a problem."""

    status: int
    code: str
    title: str


@cache
def _error_statuses() -> Mapping[type[PublicError], int]:
    table: Mapping[type[PublicError], int] = import_string(settings.ERROR_STATUSES)
    return table


def status_of(error: PublicError) -> int:
    """Return the HTTP status of a public error: its own entry in the service's table, or its base's."""
    return _status_of(type(error))


def _status_of(error: type[PublicError]) -> int:
    table = _error_statuses()
    for kind in error.__mro__:
        if kind in table:
            return table[kind]
    raise LookupError(f"{error.__name__} has no HTTP status in {settings.ERROR_STATUSES}")


def kind_of(error: type[PublicError | exceptions.APIException]) -> Kind:
    """Return what a problem of this class always says."""
    if issubclass(error, PublicError):
        return Kind(_status_of(error), error.code, error.title)
    return Kind(error.status_code, *_CODES[error])


def kind_of_status(status_code: int) -> Kind:
    """Return what a problem says of which nothing but the status is known."""
    return Kind(status_code, *_BY_STATUS[status_code])


def kinds() -> dict[str, tuple[Kind, str]]:
    """Return every problem that this service may answer by code, each with its error's docstring if it is the service's own."""
    found = {code: (kind_of_status(number), "") for number, (code, _) in _BY_STATUS.items()}
    found |= {code: (kind_of(error), "") for error, (code, _) in _CODES.items()}
    for error in _error_statuses():
        for kind in (error, *error.__subclasses__()):
            found.setdefault(kind.code, (kind_of(kind), kind.__doc__ or ""))
    return found


def body(
    *, status_code: int, code: str, title: str, detail: str, instance: str, **members: Any
) -> dict[str, Any]:
    """Return the members of a problem."""
    return {
        "type": f"urn:souk:problem:{code}",
        "title": title,
        "status": status_code,
        "detail": detail or title,
        "instance": instance,
        "code": code,
        "request_id": context.current().request_id,
        **members,
    }


def of_public_error(error: PublicError, instance: str) -> dict[str, Any]:
    """Return the problem of a public error: what the API answers, and what may be stored to answer again."""
    members = dict(error.members)
    if error.errors:
        members["errors"] = error.errors
    return body(
        status_code=status_of(error),
        code=error.code,
        title=error.title,
        detail=error.detail,
        instance=instance,
        **members,
    )


def exception_handler(error: Exception, info: Mapping[str, Any]) -> Response:
    """Answer any exception of an API view (DRF's EXCEPTION_HANDLER)."""
    set_rollback()
    instance = info["request"].path
    if isinstance(error, PublicError):
        return response(of_public_error(error, instance), _public_error_headers(error, info))
    error = _as_api_exception(error)
    if isinstance(error, exceptions.APIException):
        return _api_exception(error, instance)
    if isinstance(error, UNAVAILABLE):
        log.warning("database_unavailable", error=str(error))
        return response(_by_status(503, instance), {"Retry-After": _RETRY_SECONDS})
    log.error("unhandled_exception", exc_info=error)
    return response(_by_status(500, instance))


def _public_error_headers(error: PublicError, info: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    if error.retry_after_seconds:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if status_of(error) == status.HTTP_401_UNAUTHORIZED:
        # RFC 9110 section 11.6.1 wants a challenge with every 401, also where anyone may ask.
        challenge = info["view"].get_authenticate_header(info["request"])
        headers["WWW-Authenticate"] = challenge or 'Bearer realm="souk"'
    return headers


def response(problem: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as DRF's response."""
    return Response(
        problem, status=problem["status"], headers=dict(headers or {}), content_type=CONTENT_TYPE
    )


def _as_api_exception(error: Exception) -> Exception:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    return error


def _api_exception(error: exceptions.APIException, instance: str) -> Response:
    code, title = next(
        (entry for kind, entry in _CODES.items() if isinstance(error, kind)),
        _BY_STATUS.get(error.status_code, ("error", "The request failed")),
    )
    members: dict[str, Any] = {}
    detail = title
    if isinstance(error, exceptions.ValidationError):
        members["errors"] = list(field_errors(error.detail))
    elif isinstance(error.detail, str):
        detail = str(error.detail)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    problem = body(
        status_code=error.status_code,
        code=code,
        title=title,
        detail=detail,
        instance=instance,
        **members,
    )
    return response(problem, headers)


def field_errors(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Yield an entry per invalid field, each with its JSON pointer (RFC 6901) into the body."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            own = key in {"non_field_errors", "__all__"}
            yield from field_errors(value, pointer if own else f"{pointer}/{_escape(str(key))}")
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from field_errors(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {
            "pointer": pointer,
            "detail": str(detail),
            "code": getattr(detail, "code", "invalid"),
        }


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _by_status(status_code: int, instance: str) -> dict[str, Any]:
    code, title = _BY_STATUS[status_code]
    return body(status_code=status_code, code=code, title=title, detail="", instance=instance)


def _plain_response(problem: dict[str, Any]) -> HttpResponse:
    """Return a problem outside of the API views: a page where a person looks, JSON elsewhere."""
    if problem["instance"].startswith(_PAGES):
        page = render_to_string(
            "souk/problem.html", {"problem": problem, "home": settings.ADMIN_PATH}
        )
        return HttpResponse(page, status=problem["status"])
    return HttpResponse(json.encode(problem), status=problem["status"], content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses (handler400)."""
    return _plain_response(_by_status(400, request.path))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what Django itself forbids (handler403)."""
    return _plain_response(_by_status(403, request.path))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token or from another site (CSRF_FAILURE_VIEW)."""
    log.warning("csrf_refused", reason=reason)
    return _plain_response(
        body(
            status_code=status.HTTP_403_FORBIDDEN,
            code="csrf-failed",
            title="This form has ended or is of another site",
            detail="Go back, load the page anew and send it again.",
            instance=request.path,
        )
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path that no route takes (handler404)."""
    return _plain_response(_by_status(404, request.path))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception outside of the API views (handler500), and log it: Django's own line is silenced."""
    error = sys.exception()
    if isinstance(error, UNAVAILABLE):
        log.warning("database_unavailable", error=str(error))
        return unavailable(request)
    log.error("unhandled_exception", exc_info=error)
    return _plain_response(_by_status(500, request.path))


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer what cannot be answered now, and can in a moment."""
    answer = _plain_response(_by_status(503, request.path))
    answer["Retry-After"] = _RETRY_SECONDS
    return answer


@csrf_exempt  # it does nothing, and a missing token must not turn its 404 into a 403
def unrouted(request: HttpRequest) -> HttpResponse:
    """Answer a path that the gateway has no route for; the gateway names it in X-Replaced-Path."""
    return _plain_response(_by_status(404, request.headers.get("X-Replaced-Path", request.path)))
