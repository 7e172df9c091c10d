"""Consuming: at least once on the wire, exactly once in effect."""

from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone

from chassis import audit, context, retention
from chassis.database import fetch, is_unavailable
from chassis.events import counters, declarations, envelope, failures, spans, turns
from chassis.events.declarations import Subscription
from chassis.events.envelope import Envelope, source_uri
from chassis.models import InboxEvent

log = structlog.get_logger()

# The row waits (chassis.events.turns) where there is a predecessor that has not ended.
_CLAIM: Final = f"""
INSERT INTO inbox (
    consumer, event_id, type, subject, envelope, received_at, effect, attempts, error, not_before
) VALUES (
    %(consumer)s::text, %(id)s, %(type)s, %(subject)s::text, %(envelope)s::jsonb,
    clock_timestamp(), '', 0, '',
    CASE WHEN %(predecessor)s::text IS NOT NULL AND NOT EXISTS (
        SELECT FROM inbox
        WHERE subject = %(subject)s::text AND consumer = %(consumer)s::text
          AND envelope ->> 'sequence' = %(predecessor)s::text
          AND (handled_at IS NOT NULL OR dead_at IS NOT NULL)
    ) THEN clock_timestamp() + interval '{turns.LOOK_SECONDS} s' END
)
ON CONFLICT (consumer, event_id) DO NOTHING
RETURNING not_before IS NOT NULL
"""  # noqa: S608 -- put together from constants alone

# Of an event that is handled once more. One that waits was not handled yet, and goes on waiting.
_CLAIM_AGAIN: Final = f"""
UPDATE inbox
SET handled_at = NULL, dead_at = NULL, not_before = NULL, effect = '', attempts = 0, error = ''
WHERE consumer = %(consumer)s AND event_id = %(id)s AND NOT ({turns.WAITS.format(row="inbox")})
RETURNING false
"""  # noqa: S608 -- put together from constants alone

_HANDLED: Final = """
UPDATE inbox SET handled_at = clock_timestamp(), effect = %(effect)s, not_before = NULL
WHERE consumer = %(consumer)s AND event_id = %(id)s
RETURNING 1
"""

# Events are handled after they are received: behind one that was received too late, all are.
_DELETE_HANDLED = """
WITH oldest AS (
    SELECT id, received_at, handled_at FROM inbox
    WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
), deleted AS (
    DELETE FROM inbox USING oldest
    WHERE inbox.id = oldest.id AND oldest.handled_at < %(before)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(received_at < %(before)s) THEN max(id) END
FROM oldest
"""


class Refused(Exception):
    """A received message is no event, or one that no database can hold."""


def receive(message: Any, *, producer: str | None = None) -> None:
    """Hand a received message to each of its handlers, each in a transaction of its own.

    Idempotent. A handler's failure is kept in the inbox and tried again later by `retry_due`.

    Args:
        message: an envelope.
        producer: the service that is known to have sent it, None where nobody else could have.

    Raises:
        Refused: the message is no event, or not one of its producer's.
        OperationalError, InterfaceError: the database is unwell; deliver again.
    """
    received = _parse(message, producer)
    subscriptions = declarations.subscriptions_of(received.type)
    if not subscriptions:
        with spans.processing(received, unknown()):
            _keep_unknown(received)
    for subscription in subscriptions:
        with spans.processing(received, subscription.consumer):
            _handle_first(subscription, received, again=False)


def receive_for(
    subscription: Subscription, message: Any, *, producer: str | None = None, again: bool = False
) -> bool:
    """Hand a message to one of its event's handlers alone; return whether it was taken.

    A failure is kept and tried again, as of `receive`, which takes the same and raises the same.

    Args:
        subscription: the handler.
        message: an envelope.
        producer: the service that is known to have sent it.
        again: whether it is handled once more, with its effect, where this consumer has it already;
            that is audited.
    """
    received = _parse(message, producer)
    with spans.processing(received, subscription.consumer):
        return _handle_first(subscription, received, again=again)


def _parse(message: Any, producer: str | None) -> Envelope:
    try:
        received = envelope.parse(message)
    except ValueError as error:
        raise Refused(str(error)) from error
    refuse_foreign(received, producer)
    return received


def refuse_foreign(received: Envelope, producer: str | None) -> None:
    """Refuse an event that its publisher did not send. One of an unknown type may be any service's.

    Raises:
        Refused: it is not what its producer publishes, or does not say so.
    """
    publisher = declarations.publisher_of(received.type) or producer
    if publisher is not None and received.source != source_uri(publisher):
        raise Refused(f"{received.type} is published by {publisher}, not by {received.source}")
    if producer not in {None, publisher}:
        raise Refused(f"{received.type} is published by {publisher}, and {producer} sent it")


class _Claim(Enum):
    """What came of a try to write an event's row."""

    HAD_BEFORE = "had before"
    IN_TURN = "in turn"
    WAITS = "waits"


def _handle_first(subscription: Subscription, received: Envelope, *, again: bool) -> bool:
    try:
        with transaction.atomic(durable=True):
            claimed = _claim(subscription, received, again=again)
            if claimed is _Claim.HAD_BEFORE:
                return False
            if claimed is _Claim.IN_TURN:
                _apply(subscription, received)
    except Refused:
        raise
    except Exception as error:
        if is_unavailable(error):
            raise
        context.note_failure(error)
        with transaction.atomic(durable=True):
            if _claim(subscription, received, again=again) is not _Claim.HAD_BEFORE:
                failures.keep(subscription.consumer, received.id, attempts=1, error=error)
    _go_on(subscription.consumer, received.subject)
    return True


def _claim(subscription: Subscription, received: Envelope, *, again: bool) -> _Claim:
    consumer, predecessor = subscription.consumer, turns.predecessor_of(subscription, received)
    rows = _insert(consumer, received, predecessor=predecessor)
    if not rows and again:
        rows = fetch(_CLAIM_AGAIN, {"consumer": consumer, "id": received.id})
        if rows:
            audit.record(
                "event.replayed",
                target_type="event",
                target_id=received.id,
                actor_id=None,
                consumer=consumer,
            )
    if not rows:
        return _Claim.HAD_BEFORE
    ((waits,),) = rows
    return _Claim.WAITS if waits else _Claim.IN_TURN


def claim(consumer: str, received: Envelope) -> bool:
    """Insert the inbox row; return False where this consumer already has the event.

    Raises:
        Refused: the database cannot hold the event: a NUL character, or a name too long.
    """
    return bool(_insert(consumer, received, predecessor=None))


def _insert(consumer: str, received: Envelope, *, predecessor: str | None) -> list[tuple[Any, ...]]:
    row = {
        "consumer": consumer,
        "id": received.id,
        "type": received.type,
        "subject": received.subject,
        "envelope": msgspec.json.encode(received).decode(),
        "predecessor": predecessor,
    }
    try:
        return fetch(_CLAIM, row, prepare=True)
    except DataError as error:
        raise Refused(str(error)) from error


def row_of(consumer: str, event_id: UUID) -> Any:
    return InboxEvent.objects.filter(consumer=consumer, event_id=event_id)


def _apply(subscription: Subscription, received: Envelope) -> None:
    """Let the handler do its work, and note it."""
    payload: object = msgspec.convert(received.data, subscription.payload)
    envelope_too = (received,) if subscription.takes_envelope else ()
    with counters.handling(subscription.consumer):
        effect = subscription.handler(payload, *envelope_too)
    done = {
        "effect": effect[:200],
        "consumer": subscription.consumer,
        "id": received.id,
    }
    fetch(_HANDLED, done, prepare=True)
    transaction.on_commit(partial(counters.handled, subscription.consumer, received.time))
    log.info(
        "event_handled",
        type=received.type,
        subject=received.subject,
        consumer=subscription.consumer,
    )


def _go_on(consumer: str, subject: str) -> None:
    """Handle the subject's event that need not wait any more, then the one behind it, one by one.

    Asked after each commit, of the event that waits and of the one that it waits for: whichever
    comes last sees both.
    """
    while (row_id := turns.find_ready(consumer, subject)) is not None:
        with transaction.atomic(durable=True):
            row = turns.lock_waiting(row_id)
            if row is None:
                return
            _try_again(row)


def unknown() -> str:
    """Return the name under which events without a handler are kept."""
    return f"{settings.SERVICE}.unknown"


def _keep_unknown(received: Envelope) -> None:
    with transaction.atomic(durable=True):
        if claim(unknown(), received):
            row_of(unknown(), received.id).update(
                dead_at=timezone.now(), error=f"no handler of {received.type} in {settings.SERVICE}"
            )
            counters.failed(unknown(), dead=True)
            log.warning("event_without_handler", type=received.type, subject=received.subject)


def retry_due(*, limit: int = 50, now: datetime | None = None) -> int:
    """Try kept events whose time has come; return how many were tried. Safe to run in parallel.

    Args:
        limit: how many at most.
        now: the time; this one if not given.
    """
    now = now or timezone.now()
    tried = 0
    if not turns.is_any_due(now):
        return tried
    turns.put_off(now)
    while tried < limit and _retry_one(now):
        tried += 1
    return tried


def delete_handled(*, before: datetime) -> int:
    """Delete events that were handled before a time; return how many. Idempotent.

    One that waits or is dead is never deleted, however old.
    """
    return retention.delete_in_batches(_DELETE_HANDLED, before=before)


def _retry_one(now: datetime) -> bool:
    with transaction.atomic(durable=True):
        row = turns.lock_next_due(now)
        if row is None:
            return False
        _try_again(row)
    _go_on(row.consumer, row.subject)
    return True


def _try_again(row: InboxEvent) -> None:
    """Try the event of a locked row."""
    counters.retried()
    try:
        received = envelope.parse(row.envelope)
    except ValueError as error:
        failures.keep(row.consumer, row.event_id, attempts=row.attempts + 1, error=error)
        return
    with spans.processing(received, row.consumer):
        try:
            with transaction.atomic():
                _apply(_subscription(row), received)
        except Exception as error:
            if is_unavailable(error):
                raise
            context.note_failure(error)
            failures.keep(row.consumer, row.event_id, attempts=row.attempts + 1, error=error)


def _subscription(row: InboxEvent) -> Subscription:
    for subscription in declarations.subscriptions_of(row.type):
        if subscription.consumer == row.consumer:
            return subscription
    raise LookupError(f"{row.consumer} no longer handles {row.type}")
