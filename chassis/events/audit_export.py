"""What a service holds of events, for the audit: its outbox, its inbox, and who is owed what."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from chassis.database import fetch
from chassis.events import dead_letters, declarations

_OUTBOX: Final = """
SELECT json_build_object(
    'kind', 'outbox', 'id', id, 'type', type, 'subject', subject, 'sequence', sequence,
    'time', time, 'position', position, 'published', published_at IS NOT NULL
)::text
FROM outbox ORDER BY id
"""
# What is kept of a handler that never ran, and will not by itself, is neither handled, dead nor due.
_INBOX: Final = """
SELECT json_build_object(
    'kind', 'inbox', 'event', event_id, 'consumer', consumer, 'type', type, 'subject', subject,
    'producer', coalesce(envelope ->> 'producer', split_part(envelope ->> 'source', ':', 4)),
    'time', coalesce(envelope ->> 'time', to_json(received_at) #>> '{}'),
    'received_at', received_at,
    'state', CASE WHEN starts_with(effect, %(discarded)s) AND handled_at IS NOT NULL THEN 'discarded'
                  WHEN handled_at IS NOT NULL THEN 'handled'
                  WHEN dead_at IS NOT NULL THEN 'dead'
                  WHEN not_before IS NOT NULL THEN 'waiting'
                  ELSE 'stuck' END
)::text
FROM inbox ORDER BY event_id, consumer
"""
STATEMENTS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    (_OUTBOX, {}),
    (_INBOX, {"discarded": dead_letters.DISCARDED}),
)
"""Each gives a line for each row, in the order of events' ids: of the outbox, then of the inbox."""
_FIRST_TAKEN: Final = """
SELECT consumer, type, min((envelope ->> 'time')::timestamptz)
FROM inbox
WHERE consumer <> %(refused)s AND pg_input_is_valid(envelope ->> 'time', 'timestamptz')
  AND envelope ->> 'time' ~ '^2[0-9]{3}-'
GROUP BY consumer, type
"""
# An event as young as this cannot have been deleted, and neither can one that was numbered after it.
_NUMBERED: Final = """
SELECT first, (SELECT position FROM relay_state WHERE id = 1),
       (SELECT count(*) FROM outbox WHERE position >= first)
FROM (SELECT min(position) AS first FROM outbox WHERE time >= %(since)s) AS kept
"""


def head(now: datetime) -> dict[str, Any]:
    """Return what the rows mean: who is sent and who handles what, and for how long rows are kept.

    `first_taken` is the time of the oldest event that each handler holds, by type. `numbered` says
    which positions there must be, and how many rows there are of these.
    """
    first_taken: dict[str, dict[str, str]] = {}
    for consumer, name, time in fetch(_FIRST_TAKEN, {"refused": dead_letters.refused()}):
        first_taken.setdefault(consumer, {})[name] = time.isoformat()
    since = now - timedelta(days=settings.OUTBOX_RETENTION_DAYS)
    ((first, last, count),) = fetch(_NUMBERED, {"since": since})
    return {
        "outbox_days": settings.OUTBOX_RETENTION_DAYS,
        "inbox_days": settings.INBOX_RETENTION_DAYS,
        "sends": {name: list(one.consumers) for name, one in declarations.published().items()},
        "handlers": {
            name: [one.consumer for one in declarations.subscriptions_of(name)]
            for name in declarations.consumed()
        },
        "first_taken": first_taken,
        "numbered": {"first": first, "last": last, "rows": count},
    }
