"""How the service's events are doing: the one source for metrics, commands and the admin."""

from dataclasses import dataclass, field
from typing import Any, Final

from chassis import queues
from chassis.database import fetch
from chassis.events import dead_letters, sources

MOST_COUNTED: Final = 10_000
"""A figure stops counting here: reading costs the same whatever has piled up."""
RECENT: Final = 1000
"""Inbox rows, the newest, of which lag is told; of those what was handled within RECENT_SECONDS."""
RECENT_SECONDS: Final = 300


def _told(text: str) -> Any:
    return field(metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Figures:
    """How the events of one service are doing now. What is None is not known, or there is none."""

    unpublished: int = _told(f"Events that the relay has yet to publish ({MOST_COUNTED} at most).")
    oldest_unpublished_seconds: float = _told("Age of the oldest of these; 0 without any.")
    queue_length: int | None = _told("Messages in the service's queues, of up to ten events each.")
    waiting: int = _told(f"Events that wait for their predecessor ({MOST_COUNTED} at most).")
    failing: int = _told(f"Events that failed and are tried again ({MOST_COUNTED} at most).")
    dead: int = _told(f"Dead letters ({MOST_COUNTED} at most).")
    handled_recently: int = _told(f"Events handled in the last 5 minutes ({RECENT} at most).")
    lag_p50_seconds: float | None = _told("From an event's time to its effect, median of these.")
    lag_p99_seconds: float | None = _told("From an event's time to its effect, 99 % of these.")
    repaired: int = _told("Events that the broker lost and the repair brought, ever.")
    swept_seconds: float | None = _told(
        "Since the publisher that was not looked at for longest was looked at for lost events."
    )


# Each part reads from an index, and no further than its limit. An event's time and the time at which it
# was handled are two servers' clocks: below zero is zero.
_READ: Final = """
WITH recent AS (
    SELECT handled_at, effect,
           CASE WHEN pg_input_is_valid(envelope ->> 'time', 'timestamptz')
                THEN (envelope ->> 'time')::timestamptz END AS time
    FROM inbox ORDER BY id DESC LIMIT %(recent)s
), handled AS (
    SELECT count(*) AS number,
           percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
               ORDER BY greatest(0, extract(epoch FROM handled_at - time))
           ) FILTER (WHERE time IS NOT NULL) AS lags
    FROM recent
    WHERE handled_at > clock_timestamp() - make_interval(secs => %(seconds)s)
      AND NOT starts_with(effect, %(discarded)s)
), undone AS (
    SELECT count(*) FILTER (WHERE attempts = 0 AND error = '') AS waiting,
           count(*) FILTER (WHERE attempts > 0 OR error <> '') AS failing
    FROM (
        SELECT attempts, error FROM inbox WHERE handled_at IS NULL AND dead_at IS NULL
        ORDER BY not_before LIMIT %(most)s
    ) AS rows
), oldest AS (
    SELECT least(
        (SELECT time FROM outbox WHERE position IS NULL ORDER BY time, sequence LIMIT 1),
        (SELECT time FROM outbox WHERE published_at IS NULL AND position IS NOT NULL
         ORDER BY position LIMIT 1)
    ) AS time
), swept AS (
    SELECT coalesce(sum(repaired), 0)::bigint AS repaired,
           extract(epoch FROM clock_timestamp() - min(swept_at) FILTER (
               WHERE source = ANY(%(sources)s)
           ))::float8 AS seconds
    FROM event_cursor
)
SELECT
    (SELECT count(*) FROM (
        SELECT FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT %(most)s
    ) AS rows),
    coalesce(extract(epoch FROM clock_timestamp() - oldest.time), 0)::float8,
    undone.waiting, undone.failing,
    (SELECT count(*) FROM (
        SELECT FROM inbox WHERE dead_at IS NOT NULL ORDER BY dead_at LIMIT %(most)s
    ) AS rows),
    handled.number, handled.lags[1]::float8, handled.lags[2]::float8,
    swept.repaired, swept.seconds
FROM handled, undone, oldest, swept
"""
_PARAMETERS: Final = {
    "recent": RECENT,
    "seconds": RECENT_SECONDS,
    "most": MOST_COUNTED,
    "discarded": dead_letters.DISCARDED,
}
_SWEPT: Final = """
SELECT source, extract(epoch FROM clock_timestamp() - swept_at)::float8 FROM event_cursor
WHERE source = ANY(%(sources)s)
"""


def read() -> Figures:
    """Return the figures as they are now: one statement, and one question to the broker.

    Raises:
        OperationalError, InterfaceError: the database is unwell.
    """
    ((unpublished, oldest, waiting, failing, dead, handled, p50, p99, repaired, swept),) = fetch(
        _READ, {**_PARAMETERS, "sources": sources.names()}
    )
    return Figures(
        unpublished=unpublished,
        oldest_unpublished_seconds=oldest,
        queue_length=queue_length(),
        waiting=waiting,
        failing=failing,
        dead=dead,
        handled_recently=handled,
        lag_p50_seconds=p50,
        lag_p99_seconds=p99,
        repaired=repaired,
        swept_seconds=swept,
    )


def swept() -> dict[str, float | None]:
    """Return how many seconds ago each publisher was looked at for lost events, None if never; one query.

    Raises:
        OperationalError, InterfaceError: the database is unwell.
    """
    names = sources.names()
    return {**dict.fromkeys(names), **dict(fetch(_SWEPT, {"sources": names}))}


def queue_length() -> int | None:
    """Return how many messages wait for this service, None where the broker does not answer."""
    return queues.length(queues.own_queues())
