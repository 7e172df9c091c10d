"""How long an event takes from its commit in auth to the commit of its effect in order.

The publisher's clock is read when its COMMIT has returned. The effect is seen by a third session: a
trigger on order's inbox notifies it, which PostgreSQL does when the effect's transaction has been
committed. Both clocks are the same one, CLOCK_MONOTONIC, which all processes of a machine share.
What is not in the figure is how long the answer to the publisher's COMMIT took; what is, that of the
notification, and the trigger itself.
"""

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import psycopg

from benchmarks.events import start_publisher
from benchmarks.load import UnexpectedAnswerError
from benchmarks.measure import ratio
from benchmarks.platform import Platform
from benchmarks.table import Subject, verdict

EVENTS: Final = 240
QUICK_EVENTS: Final = 60
RATES: Final = (5, 20)
"""Events a second of a shop that is not at rest."""
P50_SECONDS: Final = 0.015
P99_SECONDS: Final = 0.060
OF_CELERY: Final = 0.4
"""Wanted of events at rest, and of the events a second that are handled when they come in heaps."""
_AT_REST: Final = (0.3, 0.7)
_WARM_UP: Final = 10
_LONGEST_SECONDS: Final = 60.0
_CHANNEL: Final = "benchmarks_effects"

_TRIGGER: Final = f"""
CREATE FUNCTION benchmarks_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{_CHANNEL}', NEW.event_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER benchmarks_tell AFTER INSERT OR UPDATE ON inbox
FOR EACH ROW WHEN (NEW.handled_at IS NOT NULL) EXECUTE FUNCTION benchmarks_tell()
"""
_NO_TRIGGER: Final = "DROP FUNCTION benchmarks_tell CASCADE"


@dataclass(frozen=True, slots=True)
class Latencies:
    """How many seconds each event took, in one way of publishing them."""

    title: str
    seconds: list[float]
    at_rest: bool = False

    @property
    def p50(self) -> float:
        """Return the median."""
        return median(self.seconds)

    @property
    def p99(self) -> float:
        """Return what 99 of a hundred stay within, by the nearest rank."""
        return sorted(self.seconds)[-(-len(self.seconds) * 99 // 100) - 1]


class _Observer:
    """Keeps when each effect was seen, in a thread of its own."""

    def __init__(self, listening: psycopg.Connection[Any]) -> None:
        """Begin to wait on a connection that listens."""
        self._listening = listening
        self._seen: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._observe, daemon=True)
        self._thread.start()

    def when(self, event_id: str) -> float:
        """Return when the event's effect was seen, as soon as it is.

        Raises:
            UnexpectedAnswerError: it is not within a minute.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: event_id in self._seen, _LONGEST_SECONDS):
                raise UnexpectedAnswerError(f"event {event_id} had no effect within a minute")
            return self._seen[event_id]

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._thread.join()

    def _observe(self) -> None:
        while not self._stopping:
            for note in self._listening.notifies(timeout=0.5):
                now = time.monotonic()
                with self._changed:
                    self._seen.setdefault(note.payload, now)
                    self._changed.notify_all()


class _Publisher:
    """The process that publishes an event for each line, and answers with its id and the time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Keep the process, whose input and output are pipes."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    def publish(self) -> None:
        """Have an event published."""
        self._stdin.write("one\n")
        self._stdin.flush()

    def answer(self) -> tuple[str, float]:
        """Return an event's id, and when its transaction was committed."""
        event_id, committed_at = self._stdout.readline().split()
        return event_id, float(committed_at)


def measure(
    platform: Platform, *, events: int, seed: int, progress: Callable[[str], None]
) -> list[Latencies]:
    """Publish at rest and at each of the rates, so many events each time.

    Raises:
        UnexpectedAnswerError: an event had no effect.
    """
    chance = random.Random(seed)
    with _both(platform) as (publisher, observer):
        for _ in range(_WARM_UP):
            _one(publisher, observer)
        progress(f"events at rest, {events} of them")
        found = [_at_rest(publisher, observer, events, chance)]
        for rate in RATES:
            progress(f"{rate} events a second, {events} of them")
            found.append(_by_poisson(publisher, observer, events, rate, chance))
    return found


@contextmanager
def _both(platform: Platform) -> Iterator[tuple[_Publisher, _Observer]]:
    variables = {**platform.variables("auth"), "DJANGO_SETTINGS_MODULE": "settings.auth"}
    url = platform.variables("order")["DATABASE_URL"]
    with ExitStack() as stack:
        process = start_publisher("one", variables, platform, stack)
        listening = stack.enter_context(psycopg.connect(url, autocommit=True))
        listening.execute(_TRIGGER.encode())
        listening.execute(f"LISTEN {_CHANNEL}".encode())
        observer = _Observer(listening)
        try:
            yield _Publisher(process), observer
        finally:
            observer.stop()
            listening.execute(_NO_TRIGGER)


def _one(publisher: _Publisher, observer: _Observer) -> float:
    publisher.publish()
    event_id, committed_at = publisher.answer()
    return observer.when(event_id) - committed_at


def _at_rest(
    publisher: _Publisher, observer: _Observer, events: int, chance: random.Random
) -> Latencies:
    seconds = []
    for _ in range(events):
        time.sleep(chance.uniform(*_AT_REST))
        seconds.append(_one(publisher, observer))
    shortest, longest = _AT_REST
    return Latencies(f"at rest: one event, {shortest} to {longest} s after the last", seconds, True)


def _by_poisson(
    publisher: _Publisher, observer: _Observer, events: int, rate: float, chance: random.Random
) -> Latencies:
    due = time.monotonic()
    for _ in range(events):
        due += chance.expovariate(rate)
        time.sleep(max(0.0, due - time.monotonic()))
        publisher.publish()
    answers = [publisher.answer() for _ in range(events)]
    seconds = [observer.when(event_id) - committed_at for event_id, committed_at in answers]
    return Latencies(f"{rate} a second, as a Poisson process", seconds)


def markdown(latencies: Sequence[Latencies], sustained: Subject | None) -> list[str]:
    """Return what was measured, and what is wanted of it, as lines of Markdown."""
    lines = [
        "| events, auth to order | events | p50 | p99 | wanted | |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(one) for one in latencies),
    ]
    if sustained is not None:
        *_, celery = sustained.alternatives
        part = ratio(sustained.ours, celery, lambda sample: sample.rate)
        met = verdict(met=part >= OF_CELERY)
        handled = sustained.ours.middle(lambda sample: sample.rate)
        lines.append(
            f"| as many as go, one worker process | {handled:,.0f}/s | | | "
            f"at least {OF_CELERY:g} of {celery.name}: {part:.2f} | {met} |"
        )
    return lines


def _row(one: Latencies) -> str:
    wanted, met = "", ""
    if one.at_rest:
        wanted = f"p50 < {1000 * P50_SECONDS:g} ms, p99 < {1000 * P99_SECONDS:g} ms"
        met = verdict(met=one.p50 < P50_SECONDS and one.p99 < P99_SECONDS)
    return (
        f"| {one.title} | {len(one.seconds)} | {1000 * one.p50:.1f} ms | {1000 * one.p99:.1f} ms "
        f"| {wanted} | {met} |"
    )
