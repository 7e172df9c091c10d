"""Answers: what is kept of them in this process, and how one is given to who asks."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

from chassis import database, traffic

Environ = dict[str, Any]

METHODS: Final = frozenset({"GET", "HEAD"})
VERSION_KEY: Final = "souk.version"
"""The version of the data, in a WSGI environment; no header has such a name."""

_ENTRY_BYTES: Final = 500
"""About what an entry takes beside its body."""
_NOTHING: Final = (None, None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A body of JSON, its validator, and the route that it was made at (`chassis.traffic.route_of`)."""

    body: bytes
    etag: str
    route: str = ""


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
        version = request.META.get(VERSION_KEY)
        if version is None:
            ((version,),) = database.fetch(self.version, {}, prepare=True)
        answer = self.find(*asked, version)
        if answer is None:
            answer = replace(make(), route=traffic.route_of(request))
            self.keep(*asked, version, answer)
        return answer


def _size(answer: Answer | None) -> int:
    return 0 if answer is None else len(answer.body) + _ENTRY_BYTES


def digest(content: bytes) -> str:
    """Return a short text that other content does not share."""
    return blake2b(content, digest_size=12).hexdigest()


def respond(request: HttpRequest, answer: Answer, *, public: bool) -> HttpResponse:
    """Return the answer, or 304 where If-None-Match names it (RFC 9110, section 13.1.2).

    Args:
        request: what was asked.
        answer: all of it, also for HEAD.
        public: whether everyone gets the same; shared caches may keep it then. All ask each time.
    """
    status, headers, body = reply(request.META, answer, public=public)
    if status == HTTPStatus.NOT_MODIFIED:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, headers=headers)


def reply(
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
