"""Dead letters: what a handler gave up on, or what was refused, and the ways out."""

import json
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chassis import audit
from chassis.events import declarations, envelope, inbox
from chassis.models import InboxEvent

LONGEST_MESSAGE: Final = 65_536
"""Characters of a refused message that are kept: the first ones."""
_REFUSED_IDS: Final = UUID("5f0c8c0e-2a51-4b0e-9a0a-3c9d8d1f6b7e")
"""Namespace of refused messages' ids: one that comes again is the same dead letter."""

log = structlog.get_logger()


def refuse(message: Any, *, reason: str) -> None:
    """Keep a message that is no event, or not its producer's, as a dead letter. Idempotent.

    Args:
        message: what came: JSON, or text where it is not even that.
        reason: why it is refused, in one line.

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
                    envelope={"message": _storable(text)[:LONGEST_MESSAGE]},
                    dead_at=timezone.now(),
                    error=_storable(reason),
                )
            ],
            ignore_conflicts=True,
        )
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

    One that had no handler goes to those there are by now. Idempotent: of two calls at once one redrives and is audited.

    Args:
        consumer: who gave up on it.
        event_id: which event.
        by: the user who asks, None for a command.
    """
    with transaction.atomic(durable=True):
        redriven = (
            inbox.row_of(consumer, event_id)
            .filter(dead_at__isnull=False)
            .update(dead_at=None, attempts=0, not_before=timezone.now())
        )
        if redriven:
            if consumer == inbox.unknown():
                _hand_over(event_id)
            audit.record(
                "event.redriven",
                target_type="event",
                target_id=event_id,
                actor_id=by,
                consumer=consumer,
            )
    return bool(redriven)


def _hand_over(event_id: UUID) -> None:
    """Let the handlers try an event that came when there were none; do nothing while there are none."""
    kept = inbox.row_of(inbox.unknown(), event_id)
    received = envelope.parse(kept.get().envelope)
    consumers = [one.consumer for one in declarations.subscriptions_of(received.type)]
    for consumer in consumers:
        if inbox.claim(consumer, received):
            inbox.row_of(consumer, event_id).update(not_before=timezone.now())
    if consumers:
        effect = f"handed to {', '.join(consumers)}"
        kept.update(handled_at=timezone.now(), effect=effect[:200], not_before=None)
