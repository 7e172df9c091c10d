"""Repair: what the broker lost is read from its publisher's feed, and handed to the inbox.

A cursor for each publisher says up to where everything is in the inbox. The worker sweeps at its
start and every SWEEP_SECONDS, in a thread of its own, so that events reach their effect while the
broker is down as well.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from chassis import context
from chassis.database import UNAVAILABLE, fetch, is_unavailable
from chassis.events import dead_letters, declarations, inbox, sources
from chassis.events.feed import DEFAULT_LIMIT, Entry, Page, Place
from chassis.rest import Unavailable

PAGES: Final = 20
"""Pages of one sweep: then it is another publisher's turn."""
_LEAST_SECONDS: Final = 1.0
"""A sweep at the start of a worker follows another one no sooner."""

log = structlog.get_logger()

# The row is made by the first sweep. Of two sweepers one gets an answer. A clock that went wrong for a
# while may have put the next sweep off for long.
_CLAIM: Final = """
INSERT INTO event_cursor (source, next_sweep_at, swept_at)
VALUES (%(source)s, %(next)s, clock_timestamp())
ON CONFLICT (source) DO UPDATE SET next_sweep_at = excluded.next_sweep_at
WHERE event_cursor.next_sweep_at <= %(due)s OR event_cursor.next_sweep_at > %(latest)s
RETURNING epoch, position, last_id
"""
_MISSING: Final = """
SELECT consumer, event_id FROM inbox
WHERE consumer = ANY(%(consumers)s) AND event_id = ANY(%(ids)s)
"""
# Only from where this sweep read it: another may have been there since.
_MOVE: Final = """
UPDATE event_cursor SET
    epoch = %(epoch)s, position = %(position)s, last_id = %(last_id)s, next_sweep_at = %(next)s,
    swept_at = CASE WHEN %(more)s THEN swept_at ELSE %(now)s END,
    repaired = repaired + %(repaired)s
WHERE source = %(source)s AND position = %(from_position)s
  AND epoch IS NOT DISTINCT FROM %(from_epoch)s
RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class _Repaired:
    """What became of a page: how many events were handed over, and whether all that had to be."""

    count: int
    is_whole: bool


def sweep(
    source: str,
    now: datetime,
    *,
    at_start: bool = False,
    is_stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Hand what is missing of a publisher's events to the inbox; return whether there is more to do now.

    Idempotent, and safe to run twice at once: of two that are due one goes, the other passes.

    Args:
        source: the publisher.
        now: the time.
        at_start: whether a worker has just started: then it is due at once.
        is_stopping: asked before each event; when it is true, the cursor stays before this page.

    Raises:
        Unavailable: the publisher gave no page.
        OperationalError, InterfaceError: the database is unwell.
    """
    started = time.monotonic()
    place = _claim(source, now, at_start=at_start)
    for left in reversed(range(PAGES if place else 0)):
        assert place is not None
        page = sources.read(source, place, now=now, limit=DEFAULT_LIMIT)
        repaired = _repair(source, page, is_stopping)
        passed = now + timedelta(seconds=time.monotonic() - started)
        due = passed if page.more and not left else passed + _pause()
        if not repaired.is_whole or not _move(
            source, place, page, repaired.count, now=passed, due=due
        ):
            return False
        if not page.more or (page.position <= place.position and not page.restarted):
            return False
        place = Place(page.epoch, page.position, page.last_id)
    return place is not None


def _claim(source: str, now: datetime, *, at_start: bool) -> Place | None:
    """Return where to begin; None where it is not time yet, or another sweeper goes."""
    early = max(0.0, _pause().total_seconds() - _LEAST_SECONDS) if at_start else 0.0
    times = {
        "next": now + _pause(),
        "due": now + timedelta(seconds=early),
        "latest": now + 2 * _pause(),
    }
    rows = fetch(_CLAIM, {"source": source, **times}, prepare=True)
    return Place(*rows[0]) if rows else None


def _pause() -> timedelta:
    """Return for how long a sweep is nobody else's: a little less than what sweepers wait."""
    return timedelta(seconds=settings.SWEEP_SECONDS * 0.9)


def _move(
    source: str, place: Place, page: Page, repaired: int, *, now: datetime, due: datetime
) -> bool:
    """Move the cursor behind a page; return False where another sweeper has moved it.

    Args:
        source: the publisher.
        place: where this sweep read the page.
        page: what it read.
        repaired: how many of its events were handed over.
        now: the time.
        due: when the publisher is swept next.
    """
    if page.restarted:
        log.warning("events_restarted", source=source, position=place.position, epoch=page.epoch)
    if page.held:
        log.warning("events_held", source=source, position=page.position)
    if page.pruned:
        # Whatever of them the broker lost will not come any more.
        log.error("events_pruned_unread", source=source, count=page.pruned)
    values = {
        "source": source,
        "epoch": page.epoch,
        "position": page.position,
        "last_id": page.last_id,
        "more": page.more or page.held,
        "repaired": repaired,
        "now": now,
        "next": due,
        "from_position": place.position,
        "from_epoch": place.epoch,
    }
    return bool(fetch(_MOVE, values, prepare=True))


def _repair(source: str, page: Page, is_stopping: Callable[[], bool]) -> _Repaired:
    """Hand a page's missing events to the inbox, each in its own transactions."""
    missing = _missing(page.events)
    count, is_whole = 0, True
    for entry in missing:
        if is_stopping():
            is_whole = False
            break
        try:
            _receive(entry.event, source)
            count += 1
        except UNAVAILABLE as error:
            if is_unavailable(error):
                raise
            # Somebody is at this very event for long: the others have their turn, it has the next.
            log.info("event_busy", source=source, position=entry.position, error=str(error).strip())
            is_whole = False
    if count:
        log.warning(
            "events_repaired",
            source=source,
            count=count,
            first=missing[0].position,
            position=page.position,
        )
    return _Repaired(count, is_whole)


def _missing(entries: Sequence[Entry]) -> list[Entry]:
    """Return the events that some handler here has not got."""
    pairs = {entry.position: _pairs(entry.event) for entry in entries}
    known = [pair for of_one in pairs.values() for pair in of_one if pair[1] is not None]
    if not entries:
        return []
    there = fetch(
        _MISSING,
        {"consumers": sorted({one for one, _ in known}), "ids": sorted({i for _, i in known if i})},
        prepare=True,
    )
    return [entry for entry in entries if not pairs[entry.position] <= set(there)]


def _pairs(event: Any) -> set[tuple[str, UUID | None]]:
    """Return under which handlers' names an event ought to be in the inbox; what is none never is."""
    name, event_id = sources.type_of(event), sources.id_of(event)
    handlers = declarations.subscriptions_of(name) if name else []
    return {(one.consumer, event_id) for one in handlers} or {(inbox.unknown(), event_id)}


def _receive(event: Any, source: str) -> None:
    """Put an event through the inbox; what it refuses becomes a dead letter and stops nothing."""
    try:
        inbox.receive(event, producer=source)
    except inbox.Refused as error:
        dead_letters.refuse(event, reason=str(error), producer=source)
    except UNAVAILABLE:
        raise
    except Exception as error:
        log.exception("event_not_received", source=source)
        dead_letters.refuse(event, reason=repr(error), producer=source)


class Sweeper:
    """The worker's thread that sweeps, one publisher after the other."""

    def __init__(self, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Start nothing yet.

        Args:
            is_stopping: tells that the worker was told to stop, which ends a sweep under way.
        """
        self._ended = threading.Event()
        self._is_stopping: Callable[[], bool] = lambda: self._ended.is_set() or is_stopping()
        self._failing: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True, name="sweeper")

    def start(self) -> None:
        """Begin, with a sweep at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the event that it is at."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        at_start = True
        while not self._is_stopping():
            more = [self._sweep(source, at_start=at_start) for source in sources.names()]
            at_start = False
            if not any(more):
                # Apart from each other, workers that were started together do not all ask at once.
                self._ended.wait(settings.SWEEP_SECONDS * random.uniform(0.92, 1))  # noqa: S311 -- jitter

    def _sweep(self, source: str, *, at_start: bool) -> bool:
        """Sweep; what fails is logged when it begins to, and when it is over."""
        try:
            with context.running(request_id=None, traceparent=None):
                more = self._go(source, at_start=at_start)
        except Exception as error:  # noqa: BLE001 -- the thread goes on, whatever it was
            self._note_failure(source, error)
            return False
        finally:
            close_old_connections()
        if source in self._failing:
            self._failing.discard(source)
            log.info("sweep_recovered", source=source)
        return more

    def _go(self, source: str, *, at_start: bool) -> bool:
        """Sweep a publisher, and go on at once where there is more, after the others' turns."""
        if self._is_stopping():
            return False
        return sweep(source, timezone.now(), at_start=at_start, is_stopping=self._is_stopping)

    def _note_failure(self, source: str, error: Exception) -> None:
        if source in self._failing:
            return
        self._failing.add(source)
        if isinstance(error, Unavailable) or is_unavailable(error):
            log.warning("sweep_failed", source=source, error=str(error).strip())
        else:
            log.error("sweep_failed", source=source, exc_info=error)
