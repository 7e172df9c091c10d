"""What travels with a request: its id, its trace and its deadline.

The three go from HTTP headers into logs, events and calls to other services.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponse

from chassis import tracing, traffic
from chassis.ids import uuid7
from chassis.tracing import Parent, Sketch, Span

REQUEST_ID_HEADER: Final = "X-Request-ID"
TRACEPARENT_HEADER: Final = "traceparent"
LONGEST_BODY: Final = 65 * 1024 * 1024
"""Bytes of a request's body that the gateway lets through, where it lets the most (gateway/dynamic/middlewares.yaml)."""
DEADLINE_HEADER: Final = "X-Deadline-Ms"
"""How many milliseconds the caller will still wait."""
REQUEST_ID_KEY: Final = "HTTP_X_REQUEST_ID"
TRACEPARENT_KEY: Final = "HTTP_TRACEPARENT"
"""Where the two headers are in a WSGI environment."""

INTERNAL_PREFIX: Final = "/internal/"
"""Paths that only services reach."""
_HEALTH: Final = "/health/"
_UNTOLD: Final = (_HEALTH, "/internal/v1/metrics")
"""Paths asked for so often, by machines, that no span tells of them."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# W3C Trace Context, section 3.2.2: neither id all zeros. Later versions may say more behind a hyphen.
_TRACEPARENT = re.compile(
    r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-[!-~]{0,200})?"
)
_KNOWN_FLAGS: Final = 0b11
"""Sampled, and random trace id: the others are to be sent as zero."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`traceparent` names the span that runs; `deadline` is a `time.monotonic()` value, None where nobody waits.

    `span` is what is told of it, None where no spans are made or nobody wants to hear of this one.
    """

    request_id: str
    traceparent: str
    deadline: float | None = None
    span: Span | None = None

    @property
    def trace_id(self) -> str:
        """Return the id of the trace, of which the traceparent names one span."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """Return the id of the span that runs: this request, this try of an event, this job."""
        return self.traceparent[36:52]

    def remaining_seconds(self) -> float | None:
        """Return how long the caller will still wait, None where nobody does."""
        return None if self.deadline is None else self.deadline - time.monotonic()


_current: ContextVar[RequestContext | None] = ContextVar("souk_request_context", default=None)


def current() -> RequestContext:
    """Return the context of the running request, event or job; a new one outside of any."""
    return _current.get() or RequestContext(request_id=str(uuid7()), traceparent=new_traceparent())


def new_traceparent() -> str:
    """Return the W3C traceparent of a new trace.

    Where spans are made and none was begun here, nobody is to tell of what comes of it either.
    """
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'00' if tracing.is_on() else '01'}"


def parent_of(traceparent: str | None) -> Parent | None:
    """Return the span that a traceparent names (W3C Trace Context, section 4.3); None where it is missing or malformed.

    Of a later version what version 00 knows is read.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return None
    return Parent(trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS)


def child_traceparent(parent: str | None) -> str:
    """Return a traceparent with a span id of its own, of the parent's trace (W3C Trace Context, section 3.4).

    It is of a new one where the parent is missing or malformed.
    """
    found = parent_of(parent)
    if found is None:
        return new_traceparent()
    return f"00-{found.trace_id}-{secrets.token_hex(8)}-{found.flags:02x}"


@contextlib.contextmanager
def running(
    *,
    request_id: str | None,
    traceparent: str | None,
    deadline: float | None = None,
    sketch: Sketch | None = None,
) -> Iterator[RequestContext]:
    """Make the given context the current one; what is missing or malformed is made anew.

    What runs is a span of its own in the caller's trace: `traceparent` is the caller's. With a sketch
    it is told of, where spans are made.
    """
    span = None if sketch is None else tracing.begin(sketch, parent_of(traceparent))
    context = RequestContext(
        request_id=request_id if request_id and _REQUEST_ID.fullmatch(request_id) else str(uuid7()),
        traceparent=child_traceparent(traceparent) if span is None else span.traceparent,
        deadline=deadline,
        span=span,
    )
    if span is not None:
        span.set("souk.request_id", context.request_id)
    token = _current.set(context)
    try:
        yield context
    except BaseException as error:
        note_failure(error)
        raise
    finally:
        _current.reset(token)
        if span is not None:
            span.end()


@contextlib.contextmanager
def telling(sketch: Sketch | None) -> Iterator[Span | None]:
    """Run the block as a span within the one that runs; as none without a sketch, or where none runs or is told of."""
    now = _current.get()
    span = None
    if sketch is not None and now is not None and now.span is not None:
        span = now.span.begin(sketch)
    try:
        yield span
    except BaseException as error:
        if span is not None:
            span.fail(error)
        raise
    finally:
        if span is not None:
            span.end()


def note_failure(error: BaseException) -> None:
    """Let the span that runs tell that it failed."""
    now = _current.get()
    if now is not None and now.span is not None:
        now.span.fail(error)


@contextlib.contextmanager
def ending(deadline: float) -> Iterator[None]:
    """Let calls in the block wait no longer than until then, a `time.monotonic()` value."""
    now = current()
    nearer = deadline if now.deadline is None else min(deadline, now.deadline)
    token = _current.set(replace(now, deadline=nearer))
    try:
        yield
    finally:
        _current.reset(token)


def add_to_line(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Write the running request's id and trace into a line of the log (a processor of structlog)."""
    context = _current.get()
    if context is not None:
        event.setdefault("request_id", context.request_id)
        event.setdefault("trace_id", context.trace_id)
        event.setdefault("span_id", context.span_id)
    return event


def end_request(*, method: str, path: str, route: str, status: int, started: float) -> None:
    """Log, count and tell of a request that has been answered, but for health checks.

    Args:
        method: as it was asked.
        path: without the query string.
        route: see `traffic.route_of`.
        status: of the answer.
        started: a `time.monotonic()` value.
    """
    if path.startswith(_HEALTH):
        return
    seconds = time.monotonic() - started
    traffic.count(method=method, route=route, status=status, seconds=seconds)
    if (span := current().span) is not None:
        _tell(span, method=method, route=route, status=status)
    log.info(
        "request", method=method, path=path, status=status, milliseconds=round(seconds * 1000, 1)
    )


def _tell(span: Span, *, method: str, route: str, status: int) -> None:
    span.set("http.response.status_code", status)
    if route:
        span.set("http.route", route)
        span.rename(f"{traffic.known(method)} {route}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.fail(str(status))


def server_sketch(environ: Mapping[str, Any]) -> Sketch | None:
    """Return what a request's span begins with, of a WSGI environment; None of a probe and a scrape."""
    path: str = environ["PATH_INFO"]
    if path.startswith(_UNTOLD):
        return None
    method = traffic.known(environ["REQUEST_METHOD"])
    return Sketch(
        method,
        tracing.SERVER,
        {
            "http.request.method": method,
            "url.path": path[: tracing.LONGEST_PATH],
            "url.scheme": environ["wsgi.url_scheme"],
        },
    )


class RequestContextMiddleware:
    """Takes the context from the headers, returns the request id, and logs each request once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request inside its context."""
        started = time.monotonic()
        with (
            running(
                request_id=request.META.get(REQUEST_ID_KEY),
                traceparent=request.META.get(TRACEPARENT_KEY),
                deadline=_deadline(request, started),
                sketch=server_sketch(request.META) if tracing.is_on() else None,
            ) as context,
            traffic.in_flight(),
        ):
            response = self.get_response(request)
            response[REQUEST_ID_HEADER] = context.request_id
            if "HTTP_AUTHORIZATION" in request.META:
                # Told to one, by name: no browser or proxy keeps it, unless the view says so.
                response.headers.setdefault("Cache-Control", "private, no-store")
            _set_length(response)
            _read_to_its_end(request)
            end_request(
                method=request.method or "",
                path=request.path,
                route=traffic.route_of(request),
                status=response.status_code,
                started=started,
            )
        return response


def _read_to_its_end(request: HttpRequest) -> None:
    """Take what is left of a body that nobody wanted, as when the caller was refused.

    The connection is the gateway's, kept and shared by all clients: what one of them left on it would
    break the next one's request. The gateway lets no longer body through (gateway/dynamic/middlewares.yaml).
    """
    left = LONGEST_BODY
    with contextlib.suppress(OSError):
        while left > 0 and (chunk := request.read(min(left, 65_536))):
            left -= len(chunk)


def _set_length(response: HttpResponse) -> None:
    """State the body's length, without which it goes out in chunks; RFC 9110 forbids it on a 204."""
    bodiless = response.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
    if not response.streaming and not bodiless and not response.has_header("Content-Length"):
        response["Content-Length"] = str(len(response.content))


def _deadline(request: HttpRequest, now: float) -> float | None:
    """Return how long a service that calls us will wait; a client's word is not taken for it.

    A client could otherwise make our own calls fail for lack of time, until their circuit opens.
    """
    if not request.path.startswith(INTERNAL_PREFIX):
        return None
    header = request.headers.get(DEADLINE_HEADER)
    if header and header.isascii() and header.isdigit() and len(header) <= 6:  # noqa: PLR2004 -- under 17 minutes
        return now + int(header) / 1000
    return None
