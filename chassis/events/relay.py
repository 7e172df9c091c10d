"""The relay: carries events from the outbox to the queues, one active process per service."""

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
import structlog
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError
from psycopg.rows import class_row
from redis.exceptions import RedisError

from chassis import jobs, queue
from chassis.events import counters, declarations, outbox, spans
from chassis.ids import uuid7
from chassis.models import OutboxEvent

BATCH: Final = 100
PACK: Final = 10
"""Events that go in one message: what a message costs on its way is more than what an event does."""
PACK_BYTES: Final = 2 * outbox.LONGEST
"""Of their payloads, at most."""
GATHER_SECONDS: Final = 0.15
"""How long events gather after some were published, while they come fast."""
FAST: Final = 40
"""How many events in the last second are fast. Slower ones do not wait for each other."""
BATCH_SECONDS: Final = 10
"""After this long no message of a batch is sent any more: what was sent is marked, and it goes on."""
IDLE_SECONDS: Final = 1.0
"""How long a notification is waited for before the outbox is looked at all the same."""
NUMBERED: Final = 1_000
"""Events that get their positions at a time."""
LOCK_KEY: Final = 0x50_55_4B_52
"""Key of the advisory lock; each service has a database of its own, so one key does for all."""
SILENT_SECONDS: Final = 20
"""How long an active relay may ask nothing, which it does each second, before one that stands by ends its session."""

log = structlog.get_logger()

# A database that was restored, or promoted in another's place, may have lost positions that consumers
# have seen: it begins a new epoch. It is another one by its cluster, its own id in there, or the
# timeline of its log. A copy that shows none of that is found out by its events (chassis.events.feed).
_BEGIN: Final = """
INSERT INTO relay_state AS state (id, epoch, fingerprint, position)
SELECT 1, %s, concat_ws('/', system_identifier, pg_database.oid,
                        left(pg_walfile_name(pg_current_wal_lsn()), 8)), 0
FROM pg_control_system(), pg_database WHERE datname = current_database()
ON CONFLICT (id) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    epoch = CASE WHEN state.fingerprint = '' THEN state.epoch ELSE excluded.epoch END
WHERE state.fingerprint <> excluded.fingerprint
RETURNING epoch, position
"""

# In one statement with the state row locked: positions have no gaps and are given after the commit,
# so "position > last" never misses a row. Events of one subject were written one after the other
# under a row lock, which is why their time, and not their id, has their order. Where there is
# nothing to number, nothing is locked or written: it is asked each second.
_NUMBER: Final = """
WITH state AS (
    SELECT position FROM relay_state
    WHERE id = 1 AND EXISTS (SELECT FROM outbox WHERE position IS NULL) FOR UPDATE
), fresh AS (
    SELECT id, row_number() OVER (ORDER BY time, sequence, id) AS n
    FROM (
        SELECT id, time, sequence FROM outbox WHERE position IS NULL
        ORDER BY time, sequence, id LIMIT %(limit)s FOR UPDATE
    ) AS unnumbered
), numbered AS (
    UPDATE outbox SET position = state.position + fresh.n
    FROM fresh, state WHERE outbox.id = fresh.id
    RETURNING 1
), counted AS (
    SELECT count(*) AS n FROM numbered
), moved AS (
    UPDATE relay_state SET position = relay_state.position + counted.n
    FROM counted WHERE id = 1 AND counted.n > 0
)
SELECT n FROM counted
"""
_NEXT: Final = """
SELECT id, type, version, subject, sequence, time, data, request_id, traceparent, position, published_at
FROM outbox WHERE published_at IS NULL AND position IS NOT NULL AND type = ANY(%(types)s)
ORDER BY position LIMIT %(limit)s
"""
# Committed without waiting for the disk: a mark that a crash loses publishes again, as no mark does.
_MARK: Final = """
UPDATE outbox SET published_at = clock_timestamp()
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS at_leisure
WHERE id = ANY(%s)
"""
# Stopped, hung, or on a host that is gone: nothing of that ends a session by itself. The server's
# clock times both; a statement under way is not silence, and ends by its own timeout.
_END_SILENT: Final = """
SELECT pid, pg_terminate_backend(pid)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = 0 AND objid = %(key)s AND objsubid = 1 AND granted
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND state = 'idle' AND clock_timestamp() - state_change > make_interval(secs => %(seconds)s)
"""

Session = psycopg.Connection[Any]


class Relay:
    """Publishes until told to stop. `beat` is called at least every `IDLE_SECONDS` while all is well."""

    def __init__(self, beat: Callable[[], None]) -> None:
        """Keep what to call while well."""
        self._beat = beat
        self._stopping = threading.Event()
        self._waker: socket.socket | None = None
        self._producer: Any = None
        self._pace = Pace()
        self.turns = 0
        """Grows for as long as the relay goes on, with or without a broker or a database."""

    def stop(self) -> None:
        """Ask the relay to end after the batch it is at."""
        self._stopping.set()
        if (waker := self._waker) is not None:
            with contextlib.suppress(OSError):  # it ended by itself meanwhile
                waker.send(b"0")

    def run(self) -> None:
        """Take the lock, publish, and run the timed jobs; begin anew after a lost connection."""
        while not self._stopping.is_set():
            self.turns += 1
            try:
                with open_session() as session:
                    if self._wait_for_lock(session):
                        self._publish_until_stopped(session)
            except psycopg.Error as error:
                log.warning("relay_database_lost", error=str(error).strip())
                self._stopping.wait(IDLE_SECONDS)
        self._drop_producer()

    def _wait_for_lock(self, session: Session) -> bool:
        """Stand by until no other relay of this service is active; return False when told to stop.

        The lock belongs to the session and ends with it.
        """
        while not self._stopping.is_set():
            self.turns += 1
            row = session.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
            self._beat()
            if row and row[0]:
                return True
            silent = {"key": LOCK_KEY, "seconds": SILENT_SECONDS}
            for pid, _ in session.execute(_END_SILENT, silent):
                log.warning("silent_relay_ended", backend=pid)
            self._stopping.wait(IDLE_SECONDS)
        return False

    def _publish_until_stopped(self, session: Session) -> None:
        if begun := session.execute(_BEGIN, [uuid7()]).fetchone():
            log.info("relay_epoch", epoch=str(begun[0]), position=begun[1])
        session.execute(f"LISTEN {outbox.CHANNEL}")
        log.info("relay_active")
        with jobs.running(), self._wakeable() as woken:
            while not self._stopping.is_set():
                self.turns += 1
                self._beat()
                if not self._publish_if_possible(session):
                    self._wait_for_events(session, woken)
                    self._stopping.wait(self._pace.seconds_to_gather(time.monotonic()))

    @contextlib.contextmanager
    def _wakeable(self) -> Iterator[socket.socket]:
        """Let `stop` end what waits for the socket, too: a signal alone does not."""
        woken, self._waker = socket.socketpair()
        with woken, self._waker:
            yield woken

    def _wait_for_events(self, session: Session, woken: socket.socket) -> None:
        """Return when an event was written, the relay is to stop, or `IDLE_SECONDS` are over."""
        if not _drain(session):
            select.select([session.fileno(), woken.fileno()], [], [], IDLE_SECONDS)
            _drain(session)

    def _publish_if_possible(self, session: Session) -> bool:
        """Publish a batch; return whether there may be more. Without a broker, wait a moment."""
        try:
            return self.publish_batch(session)
        except (BrokerError, RedisError, OSError) as error:
            log.warning("relay_broker_lost", error=str(error))
            self._drop_producer()
            number_all(session)  # consumers that sweep find by its position what no queue carries
            _drain(session)  # or they would pile up
            self._stopping.wait(IDLE_SECONDS)
            return True

    def publish_batch(self, session: Session) -> bool:
        """Number new events and publish the next ones; return whether there may be more.

        Killed between publishing and marking, it publishes again: the inbox makes that harmless.
        Events that this release does not know wait for the one that does: while releases change
        they are written by the next one, and its relay publishes them.
        """
        types = list(declarations.published())
        with session.pipeline(), session.cursor(row_factory=class_row(OutboxEvent)) as cursor:
            session.execute(_NUMBER, {"limit": NUMBERED})  # one round trip and one commit for both
            cursor.execute(_NEXT, {"limit": BATCH, "types": types})
            rows = cursor.fetchall()
        sent: list[UUID] = []
        ends = time.monotonic() + BATCH_SECONDS
        try:
            for pack in _packs(rows):
                if time.monotonic() > ends:
                    return True
                self.turns += 1
                self._publish(pack)
                sent += [row.id for row in pack]
        finally:
            if sent:
                session.execute(_MARK, [sent])
                self._pace.add(time.monotonic(), len(sent))
                counters.published(len(sent))
        return len(rows) == BATCH

    def _publish(self, pack: Sequence[OutboxEvent]) -> None:
        """Send one message to each service that consumes any of the events, with those."""
        declared = declarations.published()
        messages: dict[str, list[dict[str, Any]]] = {}
        for row in pack:
            message = msgspec.to_builtins(outbox.envelope_of(row))
            for service in declared[row.type].consumers:
                messages.setdefault(service, []).append(message)
        if messages and self._producer is None:
            self._producer = queue.producer()
        started = time.time_ns()
        for service, its in messages.items():
            queue.send(*its, service=service, with_producer=self._producer)
        spans.tell_sent(pack, started=started)
        for row in pack:
            log.info(
                "event_published",
                type=row.type,
                subject=row.subject,
                request_id=row.request_id,
                trace_id=row.traceparent[3:35],
            )

    def _drop_producer(self) -> None:
        if self._producer is not None:
            with contextlib.suppress(Exception):
                self._producer.connection.release()
            self._producer = None


class Pace:
    """How fast events come: only when they do is it worth their while to share messages."""

    def __init__(self) -> None:
        """Begin with a quiet time."""
        self._batches: deque[tuple[float, int]] = deque()

    def add(self, now: float, events: int) -> None:
        """Note that some were published."""
        self._batches.append((now, events))

    def seconds_to_gather(self, now: float) -> float:
        """Return how long others are to be waited for."""
        while self._batches and self._batches[0][0] <= now - 1:
            self._batches.popleft()
        if sum(events for _, events in self._batches) <= FAST:
            return 0.0
        return max(0.0, self._batches[-1][0] + GATHER_SECONDS - now)


def number_all(session: Session) -> None:
    """Give every event of the outbox its position."""
    full = True
    while full:
        row = session.execute(_NUMBER, {"limit": NUMBERED}).fetchone()
        full = row is not None and row[0] == NUMBERED


def _drain(session: Session) -> bool:
    """Take the notifications that have come; return whether any had."""
    return bool(list(session.notifies(timeout=0)))


def _packs(rows: Sequence[OutboxEvent]) -> Iterator[Sequence[OutboxEvent]]:
    """Part the rows into messages, none of which is too long to be taken (chassis.transport)."""
    pack: list[OutboxEvent] = []
    size = 0
    for row in rows:
        length = len(msgspec.json.encode(row.data))
        if pack and (len(pack) == PACK or size + length > PACK_BYTES):
            yield pack
            pack, size = [], 0
        pack.append(row)
        size += length
    if pack:
        yield pack


@contextlib.contextmanager
def open_session() -> Iterator[Session]:
    """Open the connection that holds the lock and listens; no pool, for both belong to the session."""
    params = connection.get_connection_params()
    for django_own in ("cursor_factory", "context"):
        params.pop(django_own, None)
    with psycopg.connect(**params, autocommit=True) as session:
        session.execute("SET TIME ZONE 'UTC'")
        yield session
