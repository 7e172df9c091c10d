"""What stands in front of Django, and answers what it may from memory."""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

from chassis import context, database, tracing
from chassis.reads.answers import METHODS, VERSION_KEY, Answer, Answers, Environ, reply
from chassis.reads.sharing import SharedRead

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_FORWARDED_SCHEME_KEY: Final = "HTTP_X_FORWARDED_PROTO"
"""What SECURE_PROXY_SSL_HEADER names."""
_NOT_PLAIN: Final = (
    "HTTP_AUTHORIZATION",
    # A body, which must be read.
    "CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
)


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
            sketch=context.server_sketch(environ) if tracing.is_on() else None,
        ) as running:
            status, headers, body = reply(environ, answer, public=True)
            headers |= self._headers_of_all(
                environ["wsgi.url_scheme"], environ.get(_FORWARDED_SCHEME_KEY)
            )
            headers[context.REQUEST_ID_HEADER] = running.request_id
            context.end_request(
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                route=answer.route,
                status=status.value,
                started=started,
            )
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [body]

    def _find(self, environ: Environ) -> Answer | None:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in METHODS or not path.startswith(self._answers.path):
            return None
        version = self._read_version()
        if version is None:
            return None
        environ[VERSION_KEY] = version
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
