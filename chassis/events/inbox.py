"""Consuming: at least once on the wire, exactly once in effect."""

import random
import traceback
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone

from chassis import context, retention
from chassis.database import fetch, is_unavailable
from chassis.events import declarations, envelope
from chassis.events.declarations import Subscription
from chassis.events.envelope import Envelope, source_uri
from chassis.models import InboxEvent

MAX_ATTEMPTS: Final = 8
LONGEST_DELAY_SECONDS: Final = 60
LONGEST_ERROR: Final = 10_000
"""Characters of a failure's trace that are kept: the last ones."""

log = structlog.get_logger()

_CLAIM = """
INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, effect, attempts, error)
VALUES (
    %(consumer)s, %(id)s, %(type)s, %(subject)s, %(envelope)s::jsonb, clock_timestamp(), '', 0, ''
)
ON CONFLICT (consumer, event_id) DO NOTHING
RETURNING 1
"""

_HANDLED = """
UPDATE inbox SET handled_at = clock_timestamp(), effect = %(effect)s, not_before = NULL
WHERE consumer = %(consumer)s AND event_id = %(id)s
RETURNING 1
"""

# Of what `_retry_one` takes: asked each second, and seldom is there any.
_IS_DUE: Final = """
SELECT 1 FROM inbox
WHERE handled_at IS NULL AND dead_at IS NULL AND not_before <= %(now)s LIMIT 1
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
    try:
        received = envelope.parse(message)
    except ValueError as error:
        raise Refused(str(error)) from error
    _refuse_foreign(received, producer)
    subscriptions = declarations.subscriptions_of(received.type)
    with context.running(request_id=received.requestid, traceparent=received.traceparent):
        if not subscriptions:
            _keep_unknown(received)
        for subscription in subscriptions:
            _handle_first(subscription, received)


def _refuse_foreign(received: Envelope, producer: str | None) -> None:
    """Refuse an event that its publisher did not send. One of an unknown type may be any service's."""
    publisher = declarations.publisher_of(received.type) or producer
    if publisher is not None and received.source != source_uri(publisher):
        raise Refused(f"{received.type} is published by {publisher}, not by {received.source}")
    if producer not in {None, publisher}:
        raise Refused(f"{received.type} is published by {publisher}, and {producer} sent it")


def _handle_first(subscription: Subscription, received: Envelope) -> None:
    try:
        with transaction.atomic(durable=True):
            if not claim(subscription.consumer, received):
                return
            _apply(subscription, received)
    except Refused:
        raise
    except Exception as error:
        if is_unavailable(error):
            raise
        with transaction.atomic(durable=True):
            if claim(subscription.consumer, received):
                _keep_failure(subscription.consumer, received.id, attempts=1, error=error)


def claim(consumer: str, received: Envelope) -> bool:
    """Insert the inbox row; return False where this consumer already has the event.

    Raises:
        Refused: the database cannot hold the event: a NUL character, or a name too long.
    """
    row = {
        "consumer": consumer,
        "id": received.id,
        "type": received.type,
        "subject": received.subject,
        "envelope": msgspec.json.encode(received).decode(),
    }
    try:
        return bool(fetch(_CLAIM, row, prepare=True))
    except DataError as error:
        raise Refused(str(error)) from error


def row_of(consumer: str, event_id: UUID) -> Any:
    return InboxEvent.objects.filter(consumer=consumer, event_id=event_id)


def _apply(subscription: Subscription, received: Envelope) -> None:
    payload: object = msgspec.convert(received.data, subscription.payload)
    envelope_too = (received,) if subscription.takes_envelope else ()
    effect = subscription.handler(payload, *envelope_too)
    done = {"effect": effect[:200], "consumer": subscription.consumer, "id": received.id}
    fetch(_HANDLED, done, prepare=True)
    log.info(
        "event_handled",
        type=received.type,
        subject=received.subject,
        consumer=subscription.consumer,
    )


def _keep_failure(consumer: str, event_id: UUID, *, attempts: int, error: Exception) -> None:
    """Note the failure: tried again with capped exponential back-off and jitter, dead at the last one.

    A payload that does not fit the declared class will not fit later either: it is dead at once.
    """
    dead = attempts >= MAX_ATTEMPTS or isinstance(error, msgspec.ValidationError)
    delay = min(LONGEST_DELAY_SECONDS, 2 ** (attempts - 1)) * random.uniform(0.5, 1)  # noqa: S311 -- jitter
    now = timezone.now()
    row_of(consumer, event_id).update(
        attempts=attempts,
        error=text_of(error),
        dead_at=now if dead else None,
        not_before=None if dead else now + timedelta(seconds=delay),
    )
    log.warning(
        "event_dead" if dead else "event_failed",
        event_id=str(event_id),
        consumer=consumer,
        attempts=attempts,
        error=repr(error),
    )


def text_of(error: Exception) -> str:
    """Return the trace as text that the database can hold."""
    trace = "".join(traceback.format_exception(error))[-LONGEST_ERROR:]
    return trace.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def unknown() -> str:
    """Return the name under which events without a handler are kept."""
    return f"{settings.SERVICE}.unknown"


def _keep_unknown(received: Envelope) -> None:
    with transaction.atomic(durable=True):
        if claim(unknown(), received):
            row_of(unknown(), received.id).update(
                dead_at=timezone.now(), error=f"no handler of {received.type} in {settings.SERVICE}"
            )
            log.warning("event_without_handler", type=received.type, subject=received.subject)


def retry_due(*, limit: int = 50) -> int:
    """Try failed events again whose time has come; return how many were tried. Safe to run in parallel."""
    tried = 0
    if not fetch(_IS_DUE, {"now": timezone.now()}, prepare=True):
        return tried
    while tried < limit and _retry_one():
        tried += 1
    return tried


def delete_handled(*, before: datetime) -> int:
    """Delete events that were handled before a time; return how many. Idempotent.

    One that waits or is dead is never deleted, however old.
    """
    return retention.delete_in_batches(_DELETE_HANDLED, before=before)


def _retry_one() -> bool:
    with transaction.atomic(durable=True):
        row = (
            InboxEvent.objects.select_for_update(skip_locked=True)
            .filter(handled_at=None, dead_at=None, not_before__lte=timezone.now())
            .order_by("not_before")
            .first()
        )
        if row is None:
            return False
        _retryrow_of(row)
        return True


def _retryrow_of(row: InboxEvent) -> None:
    try:
        received = envelope.parse(row.envelope)
        with (
            context.running(request_id=received.requestid, traceparent=received.traceparent),
            transaction.atomic(),
        ):
            _apply(_subscription(row), received)
    except Exception as error:
        if is_unavailable(error):
            raise
        _keep_failure(row.consumer, row.event_id, attempts=row.attempts + 1, error=error)


def _subscription(row: InboxEvent) -> Subscription:
    for subscription in declarations.subscriptions_of(row.type):
        if subscription.consumer == row.consumer:
            return subscription
    raise LookupError(f"{row.consumer} no longer handles {row.type}")
