"""Calls to other services: JSON over HTTP with a deadline, bounded retries and a circuit breaker."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import httpx
from django.db import connection
from prometheus_client import Histogram
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from chassis import circuit, context, failpoints, json, tracing
from chassis.tracing import Sketch, Span

DEADLINE_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 0.5
LEAST_SECONDS: Final = 0.05
"""An attempt with less time than this is not begun: it would only hide why the last one failed."""
LONGEST_ANSWER: Final = 5_000_000
"""Bytes of an answer's body; more is refused."""
HEALTH_PATH: Final = "/health/ready"
HEALTH_SECONDS: Final = 1.0
"""A service that takes longer to say how it is is not well."""
_RETRY_STATUSES: Final = frozenset({502, 503, 504})

_CALLS: Final = Histogram(
    "souk_call_seconds",
    "Calls to other services, their retries included: answered, unavailable or refused (not made, "
    "for the circuit was open).",
    ["service", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)


class Unavailable(Exception):
    """The other service gave no usable answer in time. Whether it acted is not known."""


class Broken(Unavailable):
    """The other service answered in a way that asking again does not mend; others it may answer well."""


class InsideTransaction(Exception):
    """A call was made with a transaction open: it would hold locks for as long as the network likes."""


@cache
def _http() -> httpx.HTTPTransport:
    # What is beneath httpx.Client: cookies, redirects, proxies and .netrc are not wanted here, as a
    # token goes to the named service and nowhere else, and they take half of a call's time.
    return httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=20), trust_env=False)


class RestClient:
    """Calls one service. The deadline is the whole call's, retries included, and goes with it."""

    def __init__(self, name: str, base_url: str, *, token: Callable[[], str] | None = None) -> None:
        """Keep whom to call and where the service's own token comes from."""
        self._name = name
        self._base_url = base_url
        self._token = token
        self._circuit = circuit.of(name)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET; see `request`."""
        return self.request("GET", path, idempotent=True, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT; see `request`."""
        return self.request("PUT", path, idempotent=True, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE; see `request`."""
        return self.request("DELETE", path, idempotent=True, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST; see `request`."""
        return self.request("POST", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        auth: httpx.Auth | None = None,
        idempotent: bool = False,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> httpx.Response:
        """Return the answer, whatever its status below 500; redirects are not followed.

        Only an idempotent call is repeated, after no answer, 502, 503 or 504. Must not run inside a
        transaction.

        Args:
            method: of HTTP.
            path: absolute, with its parts quoted.
            body: sent as JSON.
            auth: other than the service's own token.
            idempotent: whether the call may be made twice.
            deadline_seconds: for the whole call; the caller's own deadline, if nearer, holds.

        Raises:
            Unavailable: no answer or a 5xx within the deadline, or the circuit is open.
            InsideTransaction: a transaction is open.
        """
        refuse_inside_transaction()
        if not path.startswith("/"):
            raise ValueError(f"{path!r} is not an absolute path")
        content = None if body is None else json.encode(body)
        deadline = _deadline(deadline_seconds)
        turn = self._begin()
        headers = self._headers(deadline)
        if time.monotonic() + LEAST_SECONDS > deadline:
            raise Unavailable(f"no time was left to ask {self._name}")

        attempts = itertools.count()

        def attempt() -> httpx.Response:
            with context.telling(self._sketch(method, path, again=next(attempts))) as span:
                return self._once(
                    method,
                    path,
                    content=content,
                    headers=headers,
                    auth=auth,
                    deadline=deadline,
                    span=span,
                )

        with self._counting(turn):
            return _retrying(deadline)(attempt) if idempotent else attempt()

    def _begin(self) -> int:
        turn = self._circuit.begin()
        if turn is None:
            _CALLS.labels(self._name, "refused").observe(0)
            raise Unavailable(f"{self._name} did not answer lately; the circuit is open")
        return turn

    @contextlib.contextmanager
    def _counting(self, turn: int) -> Iterator[None]:
        """Tell the circuit and the metrics what became of the call in the block."""
        started = time.perf_counter()
        outcome = "answered"
        try:
            yield
        except Unavailable:
            outcome = "unavailable"
            self._circuit.failed(turn, is_well=self._is_well)
            raise
        else:
            self._circuit.succeeded(turn)
        finally:
            _CALLS.labels(self._name, outcome).observe(time.perf_counter() - started)

    def _sketch(self, method: str, path: str, *, again: int) -> Sketch | None:
        """Return an attempt, which is a span of its own; its path goes without the query. None where no spans are made."""
        if not tracing.is_on():
            return None
        asked = httpx.URL(self._base_url + path)
        attributes: dict[str, tracing.Value] = {
            "http.request.method": method,
            "url.full": str(asked.copy_with(query=None, userinfo=b""))[: tracing.LONGEST_PATH],
            "server.address": asked.host,
            "server.port": asked.port or (443 if asked.scheme == "https" else 80),
            "peer.service": self._name,
        }
        if again:
            attributes["http.request.resend_count"] = again
        return Sketch(method, tracing.CLIENT, attributes)

    def _is_well(self) -> bool:
        """Ask the service's own health, without a token."""
        try:
            with contextlib.closing(
                _http().handle_request(
                    httpx.Request(
                        "GET",
                        self._base_url + HEALTH_PATH,
                        extensions=_timeouts(HEALTH_SECONDS, connect=HEALTH_SECONDS),
                    )
                )
            ) as response:
                response.read()
        except (httpx.HTTPError, RuntimeError):  # the latter where the client was closed meanwhile
            return False
        return response.status_code == httpx.codes.OK

    def _once(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None,
        headers: dict[str, str],
        auth: httpx.Auth | None,
        deadline: float,
        span: Span | None,
    ) -> httpx.Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{self._name} did not answer in time")
        request = httpx.Request(
            method,
            self._base_url + path,
            content=content,
            headers={
                **headers,
                # Each attempt is a span of its own.
                context.TRACEPARENT_HEADER: context.child_traceparent(context.current().traceparent)
                if span is None
                else span.traceparent,
                context.DEADLINE_HEADER: str(int(left * 1000)),
            },
            extensions=_timeouts(left, connect=min(left, CONNECT_SECONDS)),
        )
        if auth is not None:
            request = next(auth.sync_auth_flow(request))
        try:
            response = _http().handle_request(request)
            response.request = request
            with contextlib.closing(response):
                # httpcore looks here for how long it may wait for the body.
                request.extensions["timeout"]["read"] = max(0.0, deadline - time.monotonic())
                self._read(response, deadline)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._name}: {type(error).__name__}") from error
        if span is not None:
            _tell(span, response.status_code)
        failpoints.step(f"{self._name} answered {response.status_code}")
        if response.status_code in _RETRY_STATUSES:
            raise Unavailable(f"{self._name} answered {response.status_code}")
        if response.is_server_error:
            raise Broken(f"{self._name} answered {response.status_code}")
        return response

    def _read(self, response: httpx.Response, deadline: float) -> None:
        """Read the body: httpx bounds each wait, but not their sum, nor the size."""
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > LONGEST_ANSWER:
                raise Broken(f"{self._name} answered more than {LONGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise Unavailable(f"{self._name} did not answer in time")
        response._content = b"".join(chunks)  # noqa: SLF001 -- as Response.read() does

    def _headers(self, deadline: float) -> dict[str, str]:
        now = context.current()
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            context.REQUEST_ID_HEADER: now.request_id,
        }
        if self._token is not None:
            with context.ending(deadline):
                headers["Authorization"] = f"Bearer {self._token()}"
        return headers


def _tell(span: Span, status: int) -> None:
    span.set("http.response.status_code", status)
    if status >= httpx.codes.BAD_REQUEST:
        span.fail(str(status))


def _timeouts(seconds: float, *, connect: float) -> dict[str, Any]:
    """Return what a request carries to tell how long each of its waits may be."""
    return {"timeout": httpx.Timeout(seconds, connect=connect).as_dict()}


def _deadline(seconds: float) -> float:
    """Return the end of a call on the monotonic clock: its own or the caller's, whichever is nearer."""
    now = time.monotonic()
    caller = context.current().remaining_seconds()
    return now + (seconds if caller is None else min(seconds, caller))


def _retrying(deadline: float) -> Retrying:
    def no_time_for_another(state: RetryCallState) -> bool:
        return time.monotonic() + state.upcoming_sleep + LEAST_SECONDS >= deadline

    return Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, Unavailable) and not isinstance(error, Broken)
        ),
        wait=wait_random_exponential(multiplier=0.05, max=0.4),
        stop=no_time_for_another,
        reraise=True,
    )


def refuse_inside_transaction() -> None:
    """Raise InsideTransaction if one is open (but for the one that a test case wraps around itself)."""
    blocks = getattr(connection, "atomic_blocks", [])
    from_test_case = all(getattr(block, "_from_testcase", False) for block in blocks)
    if connection.in_atomic_block and not from_test_case:
        raise InsideTransaction("commit first: no call to another service inside a transaction")
