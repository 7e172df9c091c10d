"""Events per second from the outbox of auth into the inbox of order, against bare Celery."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import redis

from benchmarks.candidates import bare_bus, publishers
from benchmarks.load import Bounds, Load, UnexpectedAnswerError
from benchmarks.measure import Candidate, Meter, Sample
from benchmarks.platform import Platform
from benchmarks.processes import ROOT, running

_DRAIN_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05
_CELERY_QUEUE: Final = "benchmarks.celery"
_CELERY: Final = (
    *("-m", "celery", "--app", "benchmarks.candidates.celery_noop", "worker"),
    *("--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)


@dataclass(frozen=True, slots=True)
class EventsCandidate:
    """A publisher, told what to do through its input, and whether what it published is done."""

    name: str
    publisher: subprocess.Popen[str]
    are_done: Callable[[int], bool]
    prepare: Callable[[], None]
    meter: Meter

    def sample(self, bounds: Bounds) -> Sample:
        """Publish until the bounds are reached and wait until all of it is handled.

        Raises:
            UnexpectedAnswerError: some of it is not handled after a minute.
        """
        self.prepare()
        return self.meter.around(lambda: self._publish(bounds))

    def _publish(self, bounds: Bounds) -> Load:
        assert self.publisher.stdin is not None
        assert self.publisher.stdout is not None
        started = time.perf_counter()
        self.publisher.stdin.write(f"{bounds.requests} {bounds.seconds}\n")
        self.publisher.stdin.flush()
        published = int(self.publisher.stdout.readline())
        deadline = time.perf_counter() + _DRAIN_SECONDS
        while not self.are_done(published):
            if time.perf_counter() > deadline:
                raise UnexpectedAnswerError(f"{self.name} left some of {published} events undone")
            time.sleep(_POLL_SECONDS)
        return Load(published, time.perf_counter() - started)


@contextlib.contextmanager
def candidates(platform: Platform) -> Iterator[list[Candidate]]:
    """Start what is compared; the first is ours, the second the limit."""
    with contextlib.ExitStack() as stack:
        yield [
            _ours(platform, stack),
            _bare(platform, stack),
            _celery(platform, stack),
        ]


def _ours(platform: Platform, stack: contextlib.ExitStack) -> Candidate:
    variables = {**platform.variables("auth"), "DJANGO_SETTINGS_MODULE": "settings.auth"}
    publisher = start_publisher("ours", variables, platform, stack)
    order = _connect(platform.variables("order")["DATABASE_URL"], stack)
    roots = [publisher.pid, platform.pid("auth", "relay"), platform.pid("order", "worker")]
    return EventsCandidate(
        "outbox, relay, worker, inbox",
        publisher,
        lambda count: _handled(order) >= count,
        lambda: _forget(order),
        Meter(roots, platform.engines),
    )


def _bare(platform: Platform, stack: contextlib.ExitStack) -> Candidate:
    urls = {service: platform.copy_database(service) for service in ("auth", "order")}
    variables = {
        "BENCH_AUTH_URL": urls["auth"],
        "BENCH_ORDER_URL": urls["order"],
        "BENCH_BROKER_URL": platform.processes["platform", "redis"].url,
    }
    publisher = start_publisher("bare", variables, platform, stack)
    module, logs = bare_bus.__name__, platform.home.logs
    others = [
        stack.enter_context(running(f"bare-{role}", ["-m", module, role], variables, logs))
        for role in ("relay", "worker")
    ]
    order = _connect(urls["order"], stack)
    return EventsCandidate(
        "the same rows by psycopg, in batches",
        publisher,
        lambda count: _handled(order) >= count,
        lambda: _forget(order),
        Meter([publisher.pid, *others], platform.engines),
    )


def _celery(platform: Platform, stack: contextlib.ExitStack) -> Candidate:
    url = platform.processes["platform", "redis"].url
    variables = {"BENCH_BROKER_URL": url, "BENCH_QUEUE": _CELERY_QUEUE}
    publisher = start_publisher("celery", variables, platform, stack)
    worker = stack.enter_context(running("celery", _CELERY, variables, platform.home.logs))
    broker = redis.Redis.from_url(url)
    return EventsCandidate(
        "Celery tasks that do nothing",
        publisher,
        lambda _: not broker.llen(_CELERY_QUEUE) and not broker.hlen("unacked"),
        lambda: None,
        Meter([publisher.pid, worker], platform.engines),
    )


def start_publisher(
    name: str, variables: Mapping[str, str], platform: Platform, stack: contextlib.ExitStack
) -> subprocess.Popen[str]:
    """Start a publisher that ends with the stack; its input and output are pipes."""
    log = stack.enter_context((platform.home.logs / f"publisher-{name}.log").open("wb"))
    publisher = subprocess.Popen(
        [sys.executable, "-m", publishers.__name__, name],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert publisher.stdin is not None
    stack.callback(publisher.wait)
    stack.callback(publisher.stdin.close)
    return publisher


def _connect(url: str, stack: contextlib.ExitStack) -> psycopg.Connection[Any]:
    return stack.enter_context(psycopg.connect(url, autocommit=True))


def _handled(order: psycopg.Connection[Any]) -> int:
    row = order.execute("SELECT count(*) FROM inbox WHERE handled_at IS NOT NULL").fetchone()
    assert row is not None
    return int(row[0])


def _forget(order: psycopg.Connection[Any]) -> None:
    order.execute("TRUNCATE inbox, customer")
