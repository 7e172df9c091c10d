"""Dead letters: what a handler gave up on, or what was refused, and the ways out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chassis import audit
from chassis.errors import PublicError
from chassis.events import counters, declarations, envelope, inbox
from chassis.events.envelope import Envelope
from chassis.models import DeadLetter, InboxEvent

DISCARDED: Final = "discarded: "
"""How the effect of a discarded event begins; its reason follows."""
LONGEST_REASON: Final = 180
"""Characters of a reason: with what stands before it, it fits the effect."""
LONGEST_MESSAGE: Final = 65_536
"""Characters of a refused message that are kept: the first ones."""
_REFUSED_IDS: Final = UUID("5f0c8c0e-2a51-4b0e-9a0a-3c9d8d1f6b7e")
"""Namespace of refused messages' ids: one that comes again is the same dead letter."""

log = structlog.get_logger()


class RedriveImpossible(PublicError):
    """A refused message is no event of its producer's, however often it is tried."""

    code = "redrive-impossible"
    title = "The message cannot be redriven"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters are meant; what is not given does not narrow."""

    consumer: str | None = None
    type: str | None = None
    ids: Sequence[UUID] = ()
    subject: str | None = None
    before: datetime | None = None
    """They died before this time."""

    @property
    def is_empty(self) -> bool:
        """Tell whether it means all of them."""
        return not (self.consumer or self.type or self.ids or self.subject or self.before)


def select(chosen: Filter) -> QuerySet[DeadLetter]:
    """Return the dead letters meant, in the order of their rows."""
    rows = DeadLetter.objects.filter(dead_at__isnull=False).order_by("id")
    if chosen.consumer is not None:
        rows = rows.filter(consumer=chosen.consumer)
    if chosen.type is not None:
        rows = rows.filter(type=chosen.type)
    if chosen.ids:
        rows = rows.filter(event_id__in=chosen.ids)
    if chosen.subject is not None:
        rows = rows.filter(subject=chosen.subject)
    if chosen.before is not None:
        rows = rows.filter(dead_at__lt=chosen.before)
    return rows


def refuse(message: Any, *, reason: str, producer: str | None = None) -> None:
    """Keep a message that is no event, or not its producer's, as a dead letter. Idempotent.

    Args:
        message: what came: JSON, or text where it is not even that.
        reason: why it is refused, in one line.
        producer: the service that is known to have sent it; without one it is never redriven.

    Raises:
        OperationalError, InterfaceError: the database is unwell; deliver again.
    """
    text = json.dumps(message, sort_keys=True, default=repr)
    with transaction.atomic(durable=True):
        InboxEvent.objects.bulk_create(
            [
                InboxEvent(
                    consumer=refused(),
                    event_id=uuid5(_REFUSED_IDS, text),
                    type=_member(message, "type", 100) or "unknown",
                    subject=_member(message, "subject", 200),
                    envelope={"message": _storable(text)[:LONGEST_MESSAGE], "producer": producer},
                    dead_at=timezone.now(),
                    error=_storable(reason),
                )
            ],
            ignore_conflicts=True,
        )
    counters.refused()
    log.warning("message_refused", error=reason)


def refused() -> str:
    """Return the name under which refused messages are kept."""
    return f"{settings.SERVICE}.refused"


def _member(message: Any, name: str, longest: int) -> str:
    value = message.get(name) if isinstance(message, dict) else None
    return _storable(value)[:longest] if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """Return the text as one that the database can hold."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def redrive(consumer: str, event_id: UUID, *, by: UUID | None) -> bool:
    """Let a dead event be tried again, as often as a new one; return whether it was dead.

    One that had no handler goes to those there are by now, and so does a refused message that this
    release takes for an event. Idempotent: of two calls at once one redrives and is audited.

    Args:
        consumer: who gave up on it.
        event_id: which event, by the row's id.
        by: the user who asks, None for a command.

    Raises:
        RedriveImpossible: it was refused, and would be refused again.
    """
    with transaction.atomic(durable=True):
        now = timezone.now()
        dead = inbox.row_of(consumer, event_id).filter(dead_at__isnull=False)
        redriven = dead.update(dead_at=None, attempts=0, not_before=now)
        if redriven:
            if consumer in {inbox.unknown(), refused()}:
                _hand_over(consumer, event_id)
            audit.record(
                "event.redriven",
                target_type="event",
                target_id=event_id,
                actor_id=by,
                consumer=consumer,
            )
    return bool(redriven)


def discard(consumer: str, event_id: UUID, *, reason: str, by: UUID | None) -> bool:
    """Give a dead event up for good; return whether it was dead.

    Its row stays, as one that is handled: no later delivery brings the event again. Idempotent: of
    two calls at once one discards and is audited.

    Args:
        consumer: who gave up on it.
        event_id: which event, by the row's id.
        reason: why nothing is to come of it, LONGEST_REASON characters at most.
        by: the user who asks, None for a command.
    """
    with transaction.atomic(durable=True):
        discarded = (
            inbox.row_of(consumer, event_id)
            .filter(dead_at__isnull=False)
            .update(
                dead_at=None,
                not_before=None,
                handled_at=timezone.now(),
                effect=f"{DISCARDED}{reason[:LONGEST_REASON]}",
            )
        )
        if discarded:
            audit.record(
                "event.discarded",
                target_type="event",
                target_id=event_id,
                actor_id=by,
                consumer=consumer,
                reason=reason,
            )
    return bool(discarded)


def _hand_over(consumer: str, event_id: UUID) -> None:
    """Let the handlers try an event that came when there were none; do nothing while there are none."""
    kept = inbox.row_of(consumer, event_id)
    content = kept.get().envelope
    try:
        received = envelope.parse(content) if consumer == inbox.unknown() else _taken_anew(content)
    except ValueError as error:
        raise RedriveImpossible(f"The message is no event: {error}") from error
    consumers = [one.consumer for one in declarations.subscriptions_of(received.type)]
    if not consumers:
        raise RedriveImpossible(f"No handler of {received.type} is there")
    for one in consumers:
        if inbox.claim(one, received):
            inbox.row_of(one, received.id).update(not_before=timezone.now())
    effect = f"handed to {', '.join(consumers)}"
    kept.update(handled_at=timezone.now(), effect=effect[:200], not_before=None)


def _taken_anew(content: dict[str, Any]) -> Envelope:
    """Return the event that a refused message is after all.

    Raises:
        ValueError: it is none.
        RedriveImpossible: it is not its producer's.
    """
    producer = content.get("producer")
    if producer is None:
        raise RedriveImpossible("Who sent the message is not known")
    received = envelope.parse(json.loads(content["message"]))
    try:
        inbox.refuse_foreign(received, producer)
    except inbox.Refused as error:
        raise RedriveImpossible(f"It would be refused again: {error}") from error
    return received
