"""Calls to other services: JSON over HTTP with a deadline, bounded retries and a circuit breaker."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import httpx
import structlog
from circuitbreaker import CircuitBreaker
from django.db import connection
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from chassis import context, json

DEADLINE_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 0.5
LEAST_SECONDS: Final = 0.05
"""An attempt with less time than this is not begun: it would only hide why the last one failed."""
LONGEST_ANSWER: Final = 5_000_000
"""Bytes of an answer's body; more is refused."""
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 2
_RETRY_STATUSES: Final = frozenset({502, 503, 504})

log = structlog.get_logger()


class Unavailable(Exception):
    """The other service gave no usable answer in time. Whether it acted is not known."""


class _Broken(Unavailable):
    """The other service failed in a way that asking again does not mend."""


class InsideTransaction(Exception):
    """A call was made with a transaction open: it would hold locks for as long as the network likes."""


class Circuit:
    """The process's circuit breaker of one service: once open, a single call at a time may try it."""

    def __init__(self, name: str) -> None:
        """Start closed."""
        self._name = name
        self._breaker = CircuitBreaker(
            failure_threshold=FAILURES_TO_OPEN,
            recovery_timeout=OPEN_SECONDS,
            expected_exception=Unavailable,
            name=name,
        )
        self._probe = threading.Lock()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Count the outcome of the call in the block.

        Raises:
            Unavailable: the service did not answer lately.
        """
        probing = not self._breaker.closed
        if probing and (self._breaker.opened or not self._probe.acquire(blocking=False)):
            raise Unavailable(f"{self._name} did not answer lately; the circuit is open")
        try:
            with self._breaker:
                yield
        finally:
            if probing:
                self._probe.release()

    def reset(self) -> None:
        """Close it and forget what failed."""
        self._breaker.reset()


@cache
def circuit(name: str) -> Circuit:
    """Return the circuit breaker of a service."""
    return Circuit(name)


@cache
def _http() -> httpx.Client:
    # Not the environment's proxies or .netrc: a token goes to the named service and nowhere else.
    return httpx.Client(
        limits=httpx.Limits(max_keepalive_connections=20), trust_env=False, follow_redirects=False
    )


class RestClient:
    """Calls one service. The deadline is the whole call's, retries included, and goes with it."""

    def __init__(self, name: str, base_url: str, *, token: Callable[[], str] | None = None) -> None:
        """Keep whom to call and where the service's own token comes from."""
        self._name = name
        self._base_url = base_url
        self._token = token

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
        deadline = _deadline(deadline_seconds)
        headers = self._headers()
        content = None if body is None else json.encode(body)

        def attempt() -> httpx.Response:
            return self._once(
                method, path, content=content, headers=headers, auth=auth, deadline=deadline
            )

        with circuit(self._name).calling():
            return _retrying(deadline)(attempt) if idempotent else attempt()

    def _once(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None,
        headers: dict[str, str],
        auth: httpx.Auth | None,
        deadline: float,
    ) -> httpx.Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{self._name} did not answer in time")
        request = _http().build_request(
            method,
            self._base_url + path,
            content=content,
            headers={**headers, context.DEADLINE_HEADER: str(int(left * 1000))},
            timeout=httpx.Timeout(left, connect=min(left, CONNECT_SECONDS)),
        )
        try:
            response = _http().send(request, auth=auth, stream=True)
            with contextlib.closing(response):
                self._read(response, deadline)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._name}: {type(error).__name__}") from error
        if response.status_code in _RETRY_STATUSES:
            raise Unavailable(f"{self._name} answered {response.status_code}")
        if response.is_server_error:
            raise _Broken(f"{self._name} answered {response.status_code}")
        return response

    def _read(self, response: httpx.Response, deadline: float) -> None:
        """Read the body: httpx bounds each wait, but not their sum, nor the size."""
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > LONGEST_ANSWER:
                raise _Broken(f"{self._name} answered more than {LONGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise Unavailable(f"{self._name} did not answer in time")
        response._content = b"".join(chunks)  # noqa: SLF001 -- as Response.read() does

    def _headers(self) -> dict[str, str]:
        now = context.current()
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            context.REQUEST_ID_HEADER: now.request_id,
            context.TRACEPARENT_HEADER: context.child_traceparent(now.traceparent),
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        return headers


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
            lambda error: isinstance(error, Unavailable) and not isinstance(error, _Broken)
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
