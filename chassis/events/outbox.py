"""Publishing: an event is a row written in the transaction that changed the state."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection

from chassis import context, database, retention
from chassis.events import declarations, spans
from chassis.events.envelope import SPEC_VERSION, Envelope, schema_uri, source_uri
from chassis.ids import uuid7
from chassis.models import OutboxEvent

T = TypeVar("T")

CHANNEL = "souk_outbox"
"""PostgreSQL's notification channel that wakes the relay."""

# One statement: the subject's next number, the row, and the call that wakes the relay at commit.
_INSERT = """
WITH next AS (
    INSERT INTO aggregate_sequence (subject, last) VALUES (%(subject)s, 1)
    ON CONFLICT (subject) DO UPDATE SET last = aggregate_sequence.last + 1
    RETURNING last
), written AS (
    INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, traceparent)
    SELECT %(id)s, %(type)s, %(version)s, %(subject)s, last, clock_timestamp(), %(data)s::jsonb,
           %(request_id)s, %(traceparent)s
    FROM next
    RETURNING 1
)
SELECT pg_notify(%(channel)s, '') FROM written
"""

# The same for many events of one class: subjects in order, so that two calls cannot lock each other out.
_INSERT_ALL = """
WITH given AS (
    SELECT *, row_number() OVER (PARTITION BY subject ORDER BY ordinality) AS n
    FROM unnest(%(ids)s::uuid[], %(subjects)s::text[], %(data)s::text[])
        WITH ORDINALITY AS event (id, subject, data, ordinality)
), next AS (
    INSERT INTO aggregate_sequence (subject, last)
    SELECT subject, count(*) FROM given GROUP BY subject ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET last = aggregate_sequence.last + excluded.last
    RETURNING subject, last
), written AS (
    INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, traceparent)
    SELECT id, %(type)s, %(version)s, subject,
           last - count(*) OVER (PARTITION BY subject) + n,
           (SELECT clock_timestamp()), data::jsonb, %(request_id)s, %(traceparent)s
    FROM given JOIN next USING (subject)
    RETURNING 1
)
SELECT pg_notify(%(channel)s, '') FROM written LIMIT 1
"""


# Events are written before they are published: behind one that is too young, all are.
_DELETE_PUBLISHED = """
WITH oldest AS (
    SELECT id, position, time, published_at FROM outbox
    WHERE position > %(after)s ORDER BY position LIMIT %(limit)s
), deleted AS (
    DELETE FROM outbox USING oldest
    WHERE outbox.id = oldest.id AND oldest.published_at < %(before)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(time < %(before)s) THEN max(position) END
FROM oldest
"""


LONGEST: Final = 256 * 1024
"""Bytes of a payload: an event says what happened, and its consumers ask for more."""


class InvalidPayload(Exception):
    """A payload is too long, or its values do not have the types that its class declares."""


class OutsideTransaction(Exception):
    """An event was published with no transaction open: state and event could part."""


def publish(payload: Any, *, subject: str) -> UUID:
    """Write an event to the outbox; return its id.

    Needs an open transaction, the one that changes the state of `subject`.

    Args:
        payload: an instance of a class declared with `@event`.
        subject: the id of the aggregate that changed; its events are numbered in order.

    Raises:
        OutsideTransaction: no transaction is open.
        DeclarationError: the class is not an event of this service.
        InvalidPayload: its values do not fit its declaration, or it is longer than LONGEST.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(
            f"{type(payload).__name__} needs the transaction that changed {subject}"
        )
    declaration = declarations.published_as(type(payload))
    data = _checked(payload)
    now = context.current()
    event_id = uuid7()
    parameters = {
        "id": event_id,
        "type": declaration.name,
        "version": declaration.version,
        "subject": subject,
        "data": data,
        "request_id": now.request_id,
        "traceparent": now.traceparent,
        "channel": CHANNEL,
    }
    with spans.creating(parameters):
        database.fetch(_INSERT, parameters, prepare=True)
    return event_id


def publish_all(kind: type[T], payloads: Iterable[tuple[str, T]]) -> None:
    """Write many events of one class to the outbox in one statement, each as `publish` would.

    Args:
        kind: the class, declared with `@event`.
        payloads: subject and payload of each event; events of one subject keep their order.

    Raises:
        OutsideTransaction, DeclarationError, InvalidPayload: as of `publish`.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{kind.__name__} needs the transaction that changed the state")
    declaration = declarations.published_as(kind)
    now = context.current()
    rows = [(uuid7(), subject, _checked(payload)) for subject, payload in payloads]
    if not rows:
        return
    ids, subjects, data = zip(*rows, strict=True)
    parameters: dict[str, Any] = {
        "ids": list(ids),
        "subjects": list(subjects),
        "data": list(data),
        "type": declaration.name,
        "version": declaration.version,
        "request_id": now.request_id,
        "traceparent": now.traceparent,
        "channel": CHANNEL,
    }
    with spans.creating(parameters, count=len(rows)), connection.cursor() as cursor:
        cursor.execute(_INSERT_ALL, parameters)


def delete_published(*, before: datetime) -> int:
    """Delete events that were published before a time; return how many. Idempotent.

    One that is not published is never deleted, however old. Consumers keep what they handled for
    longer (`inbox.delete_handled`), so that none of these can act twice.
    """
    return retention.delete_in_batches(_DELETE_PUBLISHED, before=before)


def _checked(payload: Any) -> str:
    """Return the payload as JSON, read back once: dataclasses do not check their values."""
    text = msgspec.json.encode(payload)
    try:
        msgspec.json.decode(text, type=type(payload))
    except msgspec.ValidationError as error:
        raise InvalidPayload(f"{type(payload).__name__}: {error}") from error
    if len(text) > LONGEST:
        raise InvalidPayload(
            f"{type(payload).__name__} has {len(text)} bytes, more than the {LONGEST} of an event"
        )
    return text.decode()


def envelope_of(row: OutboxEvent) -> Envelope:
    """Return the CloudEvent of an outbox row."""
    return Envelope(
        specversion=SPEC_VERSION,
        id=row.id,
        source=source_uri(settings.SERVICE),
        type=row.type,
        subject=row.subject,
        time=row.time,
        datacontenttype="application/json",
        dataschema=schema_uri(row.type, row.version),
        data=row.data,
        sequence=str(row.sequence),
        requestid=row.request_id,
        traceparent=row.traceparent,
    )
