"""Reads that ask more of the processor than of the database: kept while they are true, and answered before Django.

What is not kept is answered before DRF. The views of DRF go on to document the reads, and to answer
all that is refused (ADR 0021).
"""

import io
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, update_wrapper
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final, NoReturn

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.http import parse_etags
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis import context, database
from chassis.tokens.authentication import TokenAuthentication
from chassis.tokens.principal import Principal

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_METHODS: Final = frozenset({"GET", "HEAD"})
_ENTRY_BYTES: Final = 500
"""About what an entry takes beside its body."""
_NOTHING: Final = (None, None)
_VERSION_KEY: Final = "souk.version"
"""The version of the data, in a WSGI environment; no header has such a name."""
_FORWARDED_SCHEME_KEY: Final = "HTTP_X_FORWARDED_PROTO"
"""What SECURE_PROXY_SSL_HEADER names."""
_NOT_PLAIN: Final = (
    "HTTP_AUTHORIZATION",
    # A body, which must be read.
    "CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
)

_authentication: Final = TokenAuthentication()


@dataclass(frozen=True, slots=True)
class Answer:
    """A body of JSON, its validator, and the version of the data that it was made of."""

    body: bytes
    etag: str


class Answers:
    """Answers by URL, up to so many bytes; the one not asked for longest goes. For several threads.

    Each is of a version of the data, and is given again while that is the present one.
    """

    def __init__(self, most_bytes: int, *, path: str, version: str) -> None:
        """Start empty.

        Args:
            most_bytes: of all bodies, and a little for each.
            path: where all paths begin whose answers may be kept.
            version: the statement of the number that is another one after each change of the data.
        """
        self.path = path
        self.version = version
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str], tuple[int, Answer]] = OrderedDict()
        self._changing = threading.Lock()

    def find(self, path: str, query: str, version: int) -> Answer | None:
        """Return what was answered to this URL, if it is of this version."""
        asked = path, query
        with self._changing:
            of, answer = self._kept.get(asked, _NOTHING)
            if of == version:
                self._kept.move_to_end(asked)
                return answer
        return None

    def keep(self, path: str, query: str, version: int, answer: Answer) -> None:
        """Keep what was made of this version or a later one, in the place of what was kept for the URL."""
        asked = path, query
        with self._changing:
            _, replaced = self._kept.pop(asked, _NOTHING)
            self._kept[asked] = version, answer
            self._bytes += _size(answer) - _size(replaced)
            while self._bytes > self._most_bytes:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= _size(dropped)

    def give(self, request: HttpRequest, make: Callable[[], Answer]) -> Answer:
        """Return what is kept for this URL, or make it if the data has changed since.

        The version is read before the rest: what is kept under it can be younger, and never older.
        """
        asked = request.path, request.META["QUERY_STRING"]
        version = request.META.get(_VERSION_KEY)
        if version is None:
            ((version,),) = database.fetch(self.version, {}, prepare=True)
        answer = self.find(*asked, version)
        if answer is None:
            answer = make()
            self.keep(*asked, version, answer)
        return answer


class _Round:
    """One reading, for all who asked before it began."""

    def __init__(self) -> None:
        self.ended = threading.Lock()
        self.ended.acquire()
        self.is_led = False
        self.result: int | None = None


class SharedRead:
    """One reading for all threads that ask at the same time. Nobody gets what was read before it asked.

    Who asks while one is under way waits for the next, with all the others that do.
    """

    def __init__(self, read: Callable[[], int | None]) -> None:
        """Share what `read` returns; it is called by one thread at a time."""
        self._read = read
        self._joining = threading.Lock()
        self._reading = threading.Lock()
        self._next = _Round()

    def __call__(self) -> int | None:
        """Return what was read after this call; None where the reading failed."""
        with self._joining:
            joined = self._next
            leads = not joined.is_led
            joined.is_led = True
        if leads:
            return self._lead(joined)
        with joined.ended:
            pass
        return joined.result

    def _lead(self, joined: _Round) -> int | None:
        with self._reading:
            with self._joining:
                self._next = _Round()
            try:
                joined.result = self._read()
            finally:
                joined.ended.release()
        return joined.result


class InFront:
    """A WSGI application that answers from memory what it may, and hands all else on to Django.

    To who shows no token it gives what Django gave before, header by header. It looks at no host, as no
    answer that is kept depends on it. Django finds the version in the environment, where it has to look up more.
    """

    def __init__(
        self,
        application: Application,
        answers: Answers,
        read_version: Callable[[], int | None],
    ) -> None:
        """Stand in front of the application; `read_version` returns None where it cannot be read."""
        self._application = application
        self._answers = answers
        self._read_version = read_version
        self._headers_of_all = lru_cache(maxsize=8)(_headers_of_all)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        started = time.monotonic()
        answer = self._find(environ)
        if answer is None:
            return self._application(environ, start_response)
        with context.running(
            request_id=environ.get(context.REQUEST_ID_KEY),
            traceparent=environ.get(context.TRACEPARENT_KEY),
        ) as running:
            status, headers, body = _reply(environ, answer, public=True)
            headers |= self._headers_of_all(
                environ["wsgi.url_scheme"], environ.get(_FORWARDED_SCHEME_KEY)
            )
            headers[context.REQUEST_ID_HEADER] = running.request_id
            context.log_request(
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                status=status.value,
                started=started,
            )
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [body]

    def _find(self, environ: Environ) -> Answer | None:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in _METHODS or not path.startswith(self._answers.path):
            return None
        version = self._read_version()
        if version is None:
            return None
        environ[_VERSION_KEY] = version
        if any(environ.get(name) for name in _NOT_PLAIN):
            return None
        return self._answers.find(path, environ["QUERY_STRING"], version)


def in_front_of(application: Application) -> Application:
    """Return the application with what the service keeps in front of it (the setting KEPT_READS)."""
    if not settings.KEPT_READS:
        return application
    answers: Answers = import_string(settings.KEPT_READS)
    return InFront(application, answers, SharedRead(database.Question(answers.version).ask))


def _headers_of_all(scheme: str, forwarded: str | None) -> Mapping[str, str]:
    """Return what the middlewares add to any answer to a request that came by this scheme."""
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": io.BytesIO()}
    if forwarded is not None:
        environ[_FORWARDED_SCHEME_KEY] = forwarded
    request, answer = WSGIRequest(environ), HttpResponse()
    XFrameOptionsMiddleware(lambda _: answer).process_response(request, answer)
    SecurityMiddleware(lambda _: answer).process_response(request, answer)
    return {name: value for name, value in answer.items() if name != "Content-Type"}


def _size(answer: Answer | None) -> int:
    return 0 if answer is None else len(answer.body) + _ENTRY_BYTES


def digest(content: bytes) -> str:
    """Return a short text that other content does not share."""
    return blake2b(content, digest_size=12).hexdigest()


def caller(request: HttpRequest) -> Principal | None:
    """Return who the request's token speaks for; None where it shows none.

    Raises:
        InvalidToken: it is not valid.
        KeysUnknown: the process has no keys or no deny list yet.
    """
    if "HTTP_AUTHORIZATION" not in request.META:
        return None
    known = _authentication.authenticate(request)  # type: ignore[arg-type]  # reads META alone
    return known[0] if known else None


def respond(request: HttpRequest, answer: Answer, *, public: bool) -> HttpResponse:
    """Return the answer, or 304 where If-None-Match names it (RFC 9110, section 13.1.2).

    Args:
        request: what was asked.
        answer: all of it, also for HEAD.
        public: whether everyone gets the same; shared caches may keep it then. All ask each time.
    """
    status, headers, body = _reply(request.META, answer, public=public)
    if status == HTTPStatus.NOT_MODIFIED:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, headers=headers)


def _reply(
    environ: Environ, answer: Answer, *, public: bool
) -> tuple[HTTPStatus, dict[str, str], bytes]:
    """Return status, headers and body of the answer, for Django and for what stands in front of it."""
    headers = {
        "ETag": answer.etag,
        "Cache-Control": "public, no-cache" if public else "private, no-cache",
        "Vary": "Authorization",
    }
    offered = environ.get("HTTP_IF_NONE_MATCH")
    if offered and _names(offered, answer.etag):
        return HTTPStatus.NOT_MODIFIED, headers, b""
    headers["Content-Length"] = str(len(answer.body))
    headers["Content-Type"] = "application/json"
    return HTTPStatus.OK, headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body


def _names(header: str, etag: str) -> bool:
    """Tell whether If-None-Match names the validator: the weak comparison, of any in a list."""
    if header == etag:
        return True
    offered = parse_etags(header)
    return etag in offered or f"W/{etag}" in offered or offered == ["*"]


class FastReads(APIView, ABC):
    """A view whose reads are answered by `read`, without DRF's request, negotiation and rendering.

    What `read` raises is answered by DRF, as everywhere: the method `get`, which documents the
    read, calls `refuse`.
    """

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        """Return the view's function."""
        through_drf = super().as_view(**options)
        reader = cls(**options)

        def view(request: HttpRequest, **key: Any) -> HttpResponseBase:
            if request.method not in _METHODS:
                return through_drf(request, **key)
            try:
                return reader.read(request, **key)
            except Exception as error:  # noqa: BLE001 -- all of it goes to the service's handler
                request.refusal = error  # type: ignore[attr-defined]
                return through_drf(request, **key)

        # Who asks the function finds the class and its marks there, as with any of DRF's.
        return update_wrapper(view, through_drf)

    @abstractmethod
    def read(self, request: HttpRequest, **key: Any) -> HttpResponse:
        """Answer GET and HEAD; for several threads."""

    def refuse(self, request: Request) -> NoReturn:
        """Raise what the read of this request raised."""
        raise request._request.refusal  # type: ignore[attr-defined]  # noqa: SLF001 -- DRF's wraps Django's
