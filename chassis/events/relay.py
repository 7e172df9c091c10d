"""The relay: carries events from the outbox to the queues, one active process per service."""

import contextlib
import threading
import time
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
from chassis.events import declarations, outbox
from chassis.ids import uuid7
from chassis.models import OutboxEvent

BATCH: Final = 100
PACK: Final = 10
"""Events that go in one message: what a message costs on its way is more than what an event does."""
GATHER_SECONDS: Final = 0.15
"""How long events gather after some were published. The first one after a quiet time does not wait."""
IDLE_SECONDS: Final = 1.0
"""How long a notification is waited for before the outbox is looked at all the same."""
LOCK_KEY: Final = 0x50_55_4B_52
"""Key of the advisory lock; each service has a database of its own, so one key does for all."""

log = structlog.get_logger()

_BEGIN: Final = (
    "INSERT INTO relay_state (id, epoch, position) VALUES (1, %s, 0) ON CONFLICT DO NOTHING"
)

# In one statement with the state row locked: positions have no gaps and are given after the commit,
# so "position > last" never misses a row. Events of one subject were written one after the other
# under a row lock, which is why their time, and not their id, has their order.
_NUMBER: Final = """
WITH state AS (
    SELECT position FROM relay_state WHERE id = 1 FOR UPDATE
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
)
UPDATE relay_state SET position = relay_state.position + (SELECT count(*) FROM numbered) WHERE id = 1
"""
_NEXT: Final = """
SELECT id, type, version, subject, sequence, time, data, request_id, traceparent, position, published_at
FROM outbox WHERE published_at IS NULL AND position IS NOT NULL AND type = ANY(%(types)s)
ORDER BY position LIMIT %(limit)s
"""
_MARK: Final = "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY(%s)"

Session = psycopg.Connection[Any]


class Relay:
    """Publishes until told to stop. `beat` is called at least every `IDLE_SECONDS` while all is well."""

    def __init__(self, beat: Callable[[], None]) -> None:
        """Keep what to call while well."""
        self._beat = beat
        self._stopping = threading.Event()
        self._producer: Any = None
        self._published_at = float("-inf")

    def stop(self) -> None:
        """Ask the relay to end after the batch it is at."""
        self._stopping.set()

    def run(self) -> None:
        """Take the lock, publish, and run the timed jobs; begin anew after a lost connection."""
        while not self._stopping.is_set():
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
            row = session.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
            self._beat()
            if row and row[0]:
                return True
            self._stopping.wait(IDLE_SECONDS)
        return False

    def _publish_until_stopped(self, session: Session) -> None:
        session.execute(_BEGIN, [uuid7()])
        session.execute(f"LISTEN {outbox.CHANNEL}")
        log.info("relay_active")
        with jobs.running():
            while not self._stopping.is_set():
                self._beat()
                if not self._publish_if_possible(session):
                    for _ in session.notifies(timeout=IDLE_SECONDS, stop_after=1):
                        pass
                    self._gather()

    def _publish_if_possible(self, session: Session) -> bool:
        """Publish a batch; return whether there may be more. Without a broker, wait a moment."""
        try:
            return self.publish_batch(session)
        except (BrokerError, RedisError, OSError) as error:
            log.warning("relay_broker_lost", error=str(error))
            self._drop_producer()
            self._stopping.wait(IDLE_SECONDS)
            return True

    def publish_batch(self, session: Session) -> bool:
        """Number new events and publish the next ones; return whether there may be more.

        Killed between publishing and marking, it publishes again: the inbox makes that harmless.
        Events that this release does not know wait for the one that does: while releases change
        they are written by the next one, and its relay publishes them.
        """
        session.execute(_NUMBER, {"limit": BATCH})
        declared = declarations.published()
        with session.cursor(row_factory=class_row(OutboxEvent)) as cursor:
            rows = cursor.execute(_NEXT, {"limit": BATCH, "types": list(declared)}).fetchall()
        sent: list[UUID] = []
        try:
            for pack in _packs(rows):
                self._publish(pack)
                sent += [row.id for row in pack]
        finally:
            if sent:
                session.execute(_MARK, [sent])
                self._published_at = time.monotonic()
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
        for service, its in messages.items():
            queue.send(*its, service=service, with_producer=self._producer)
        for row in pack:
            log.info("event_published", type=row.type, subject=row.subject)

    def _gather(self) -> None:
        """Wait until some events have gathered, if others were published just now."""
        left = self._published_at + GATHER_SECONDS - time.monotonic()
        if left > 0:
            self._stopping.wait(left)

    def _drop_producer(self) -> None:
        if self._producer is not None:
            with contextlib.suppress(Exception):
                self._producer.connection.release()
            self._producer = None


def _packs(rows: Sequence[OutboxEvent]) -> Iterator[Sequence[OutboxEvent]]:
    for start in range(0, len(rows), PACK):
        yield rows[start : start + PACK]


@contextlib.contextmanager
def open_session() -> Iterator[Session]:
    """Open the connection that holds the lock and listens; no pool, for both belong to the session."""
    params = connection.get_connection_params()
    for django_own in ("cursor_factory", "context"):
        params.pop(django_own, None)
    with psycopg.connect(**params, autocommit=True) as session:
        session.execute("SET TIME ZONE 'UTC'")
        yield session
