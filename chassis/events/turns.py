"""Whose turn it is: which kept event is tried next, and which still waits for the one before it.

An event of a handler with Order.GAPLESS is applied once its predecessor, the one before it among the
events of its subject, is handled by the same consumer or dead there: a dead one will not come by
itself. Until then it is a row that was never tried, with `not_before`; it is looked at again each
second, and applied all the same LONGEST_WAIT_SECONDS after it came. Whoever ends the predecessor
goes on with it at once; the second is for one that dies in between, or finds the row in the hands of
another that looks at it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from chassis.database import fetch
from chassis.events import declarations
from chassis.events.declarations import Order, Subscription
from chassis.events.envelope import Envelope
from chassis.models import InboxEvent

LOOK_SECONDS: Final = 1
LONGEST_WAIT_SECONDS: Final = 60

log = structlog.get_logger()

WAITS: Final = (
    "{row}.handled_at IS NULL AND {row}.dead_at IS NULL AND {row}.attempts = 0 AND {row}.error = ''"
)
"""That a row was never tried, as SQL; one that died and was redriven has its error still."""

_HAS_ENDED: Final = """
EXISTS (
    SELECT FROM inbox AS predecessor
    WHERE predecessor.subject = inbox.subject AND predecessor.consumer = inbox.consumer
      AND predecessor.envelope ->> 'sequence' = ((inbox.envelope ->> 'sequence')::bigint - 1)::text
      AND (predecessor.handled_at IS NOT NULL OR predecessor.dead_at IS NOT NULL)
)
"""
_IS_GAPLESS: Final = f"""
({WAITS.format(row="inbox")} AND inbox.consumer = ANY(%(gapless)s)
 AND inbox.envelope ->> 'sequence' <> '1')
"""
_IS_DUE: Final = (
    "inbox.handled_at IS NULL AND inbox.dead_at IS NULL AND inbox.not_before <= %(now)s"
)

# Asked each second, and seldom is there any.
_ANY_DUE: Final = f"SELECT 1 FROM inbox WHERE {_IS_DUE} LIMIT 1"  # noqa: S608 -- constants

# Many at once, so that those that wait do not stand before those that may be tried.
_PUT_OFF: Final = f"""
WITH early AS (
    SELECT id FROM inbox
    WHERE {_IS_DUE} AND {_IS_GAPLESS} AND inbox.received_at > %(limit)s AND NOT {_HAS_ENDED}
    ORDER BY not_before LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE inbox SET not_before = %(again)s FROM early WHERE inbox.id = early.id RETURNING 1
"""  # noqa: S608 -- put together from constants alone

# Asks for itself whose turn it is: what was put off by one may be due again for another by now.
_NEXT_DUE: Final = f"""
SELECT inbox.*, {_IS_GAPLESS} AND NOT {_HAS_ENDED} AS passes_gap
FROM inbox
WHERE {_IS_DUE} AND (NOT {_IS_GAPLESS} OR inbox.received_at <= %(limit)s OR {_HAS_ENDED})
ORDER BY not_before LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- put together from constants alone

_READY: Final = f"""
SELECT id FROM inbox
WHERE subject = %(subject)s AND consumer = %(consumer)s AND {WAITS.format(row="inbox")} AND {_HAS_ENDED}
LIMIT 1
"""  # noqa: S608 -- put together from constants alone

_WAITING: Final = f"""
SELECT inbox.* FROM inbox WHERE id = %(id)s AND {WAITS.format(row="inbox")}
FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- put together from constants alone


def predecessor_of(subscription: Subscription, received: Envelope) -> str | None:
    """Return the sequence of the event to wait for; None where there is none to wait for."""
    number = int(received.sequence)
    return str(number - 1) if subscription.order is Order.GAPLESS and number > 1 else None


def find_ready(consumer: str, subject: str) -> int | None:
    """Return a row that waits and whose predecessor has ended, of one subject; None where none does."""
    if consumer not in _gapless():
        return None
    rows = fetch(_READY, {"consumer": consumer, "subject": subject}, prepare=True)
    return rows[0][0] if rows else None


def is_any_due(now: datetime) -> bool:
    """Tell whether the time of any kept event has come."""
    return bool(fetch(_ANY_DUE, {"now": now}, prepare=True))


def put_off(now: datetime) -> None:
    """Let those whose predecessor has not ended wait on. Safe to run in parallel."""
    if consumers := _gapless():
        fetch(_PUT_OFF, _parameters(now, consumers))


def lock_next_due(now: datetime) -> InboxEvent | None:
    """Return the next event to try, locked; None where there is none. Needs a transaction."""
    rows: Any = InboxEvent.objects.raw(_NEXT_DUE, _parameters(now, _gapless()))
    found = next(iter(rows), None)
    if found is not None and found.passes_gap:
        log.warning(
            "event_gap_passed",
            type=found.type,
            subject=found.subject,
            consumer=found.consumer,
            sequence=found.envelope.get("sequence"),
        )
    row: InboxEvent | None = found
    return row


def lock_waiting(row_id: int) -> InboxEvent | None:
    """Return an event that waits, locked; None where another has taken it. Needs a transaction."""
    rows: Any = InboxEvent.objects.raw(_WAITING, {"id": row_id})
    row: InboxEvent | None = next(iter(rows), None)
    return row


def _parameters(now: datetime, gapless: list[str]) -> dict[str, Any]:
    return {
        "now": now,
        "gapless": gapless,
        "limit": now - timedelta(seconds=LONGEST_WAIT_SECONDS),
        "again": now + timedelta(seconds=LOOK_SECONDS),
    }


def _gapless() -> list[str]:
    return sorted(
        {one.consumer for one in declarations.subscriptions() if one.order is Order.GAPLESS}
    )
