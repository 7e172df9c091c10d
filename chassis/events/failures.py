"""What becomes of an event whose handler failed: tried again, later each time, and dead at last."""

import random
import traceback
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.utils import timezone

from chassis.events import counters
from chassis.models import InboxEvent

MAX_ATTEMPTS: Final = 8
LONGEST_DELAY_SECONDS: Final = 60
LONGEST_ERROR: Final = 10_000
"""Characters of a failure's trace that are kept: the last ones."""

log = structlog.get_logger()


def keep(consumer: str, event_id: UUID, *, attempts: int, error: Exception) -> None:
    """Note a failure: tried again with capped exponential back-off and jitter, dead at the last one.

    A payload that does not fit the declared class will not fit later either: it is dead at once.
    Needs the transaction that holds the row.

    Args:
        consumer: whose handler failed.
        event_id: at which event.
        attempts: how often it was tried by now.
        error: what the handler raised.
    """
    dead = attempts >= MAX_ATTEMPTS or isinstance(error, msgspec.ValidationError)
    delay = min(LONGEST_DELAY_SECONDS, 2 ** (attempts - 1)) * random.uniform(0.5, 1)  # noqa: S311 -- jitter
    now = timezone.now()
    InboxEvent.objects.filter(consumer=consumer, event_id=event_id).update(
        attempts=attempts,
        error=text_of(error),
        dead_at=now if dead else None,
        not_before=None if dead else now + timedelta(seconds=delay),
    )
    counters.failed(consumer, dead=dead)
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


def last_line(text: str) -> str:
    """Return the last line of a trace: what failed, in its own words."""
    return text.strip().rpartition("\n")[2]
