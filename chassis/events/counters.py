"""What a process counts of the events that it publishes, tries and handles (chassis.metrics tells them).

The labels are names in code, so there are as many series as handlers.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone
from prometheus_client import Counter, Histogram

_LAG_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300)
_HANDLING_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30)

_PUBLISHED: Final = Counter("souk_events_published", "Events that the relay put on queues.")
_HANDLED: Final = Counter(
    "souk_events_handled",
    "Events by what came of trying them: handled, failed, dead, or refused.",
    ["consumer", "outcome"],
)
_RETRIED: Final = Counter("souk_events_retried", "Events tried again after a failure or a wait.")
_LAG: Final = Histogram(
    "souk_event_lag_seconds",
    "From an event's time to the commit of its effect.",
    ["consumer"],
    buckets=_LAG_BUCKETS,
)
_HANDLING: Final = Histogram(
    "souk_event_handling_seconds",
    "What a handler took, whether it failed or not.",
    ["consumer"],
    buckets=_HANDLING_BUCKETS,
)


def published(number: int) -> None:
    """Count events that are on their queues and marked so."""
    _PUBLISHED.inc(number)


@contextlib.contextmanager
def handling(consumer: str) -> Iterator[None]:
    """Measure a handler."""
    with _HANDLING.labels(consumer).time():
        yield


def handled(consumer: str, time: datetime) -> None:
    """Count an event whose effect is committed.

    Args:
        consumer: who handled it.
        time: the event's.
    """
    _HANDLED.labels(consumer, "handled").inc()
    _LAG.labels(consumer).observe(max(0.0, (timezone.now() - time).total_seconds()))


def failed(consumer: str, *, dead: bool) -> None:
    """Count an event that failed: to be tried again, or given up on."""
    _HANDLED.labels(consumer, "dead" if dead else "failed").inc()


def retried() -> None:
    """Count an event that is tried again."""
    _RETRIED.inc()


def refused() -> None:
    """Count a message that was refused."""
    _HANDLED.labels(f"{settings.SERVICE}.refused", "refused").inc()
