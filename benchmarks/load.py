"""A closed-loop HTTP/1.1 load generator: each connection asks anew as soon as it is answered.

It is one process, and cheap, because it shares the cores with what it measures: asyncio on
uvloop, answers read by httptools.
"""

import asyncio
import http
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import httptools
import uvloop

CONNECTIONS: Final = 8
_ANSWER_SECONDS: Final = 30


class UnexpectedAnswerError(Exception):
    """A server answered something else than it was asked for, or not at all."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A round ends at the one or the other, whichever is reached first."""

    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a round did: whole requests, and the time from the first to the last answer.

    `times` has the seconds of each answered request, where they were taken.
    """

    requests: int
    seconds: float
    times: list[float] = field(default_factory=list)


def encode_request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as it goes over the wire; `_` in a header's name stands for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(url: str, requests: Iterator[bytes], bounds: Bounds, *, status: int = 200) -> Load:
    """Send requests over kept connections until the bounds are reached; return what was done.

    Raises:
        UnexpectedAnswerError: an answer had another status, lacked its body, or did not come.
    """
    return uvloop.run(_run(url, requests, bounds, status))


async def _run(url: str, requests: Iterator[bytes], bounds: Bounds, status: int) -> Load:
    loop = asyncio.get_running_loop()
    host, _, port = urlsplit(url).netloc.partition(":")
    round_ = _Round(requests, bounds, status)
    started = time.perf_counter()
    await asyncio.gather(
        *(
            loop.create_connection(lambda: _Connection(round_), host, int(port))
            for _ in range(CONNECTIONS)
        )
    )
    try:
        await asyncio.wait_for(round_.ended, bounds.seconds + _ANSWER_SECONDS)
    except TimeoutError as error:
        raise UnexpectedAnswerError(f"{url} left requests without an answer") from error
    return Load(round_.answered, time.perf_counter() - started, round_.times)


class _Round:
    """What the connections of a round share."""

    def __init__(self, requests: Iterator[bytes], bounds: Bounds, status: int) -> None:
        self.requests = requests
        self.status = status
        self.answered = 0
        self.times: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = bounds.requests
        self._deadline = time.perf_counter() + bounds.seconds
        self._open = CONNECTIONS

    def next_request(self) -> bytes | None:
        """Return the next request, None when the round is over."""
        if self._left == 0 or self.ended.done() or time.perf_counter() >= self._deadline:
            return None
        self._left -= 1
        return next(self.requests)

    def leave(self) -> None:
        """Take note that a connection has nothing more to do."""
        self._open -= 1
        if not self._open and not self.ended.done():
            self.ended.set_result(None)

    def fail(self, reason: str) -> None:
        """End the round."""
        if not self.ended.done():
            self.ended.set_exception(UnexpectedAnswerError(reason))


class _Connection(asyncio.Protocol):
    """One kept connection; also the callbacks of its parser."""

    def __init__(self, round_: _Round) -> None:
        self._round = round_
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._asking = False
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._ask()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._round.fail(f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asking:
            self._round.fail(f"the connection was closed before the answer: {exc}")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        bodiless = status == http.HTTPStatus.NOT_MODIFIED
        if status != self._round.status or bool(self._body) == bodiless:
            answer = bytes(self._body[:300]).decode(errors="replace")
            self._round.fail(f"answered {status} instead of {self._round.status}: {answer}")
        self._body.clear()
        self._round.answered += 1
        self._round.times.append(time.perf_counter() - self._asked_at)
        self._ask()

    def _ask(self) -> None:
        request = self._round.next_request()
        self._asking = request is not None
        if request is None:
            self._transport.close()
            self._round.leave()
        else:
            self._asked_at = time.perf_counter()
            self._transport.write(request)
