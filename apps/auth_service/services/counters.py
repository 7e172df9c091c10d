"""Counters of what comes too often: wrong passwords, and mails to one account (ADR 0015)."""

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from apps.auth_service.domain.attempts import FORGOTTEN_AFTER
from apps.auth_service.models import Counter

# Nobody gets the row back while the counter is blocked. Of those that count at once each waits for
# the one before and then sees what it did.
_ADD: Final = """
INSERT INTO counter (key, count, last_at) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN counter.last_at <= %(forgotten)s THEN 1
                 ELSE GREATEST(counter.count - COALESCE(floor(
                     EXTRACT(EPOCH FROM %(now)s - counter.last_at) / %(leak_seconds)s), 0), 0) + 1 END,
    last_at = %(now)s,
    blocked_until = NULL
WHERE counter.blocked_until IS NULL OR counter.blocked_until <= %(now)s
RETURNING count
"""


def add(key: str, *, now: datetime, leak_seconds: int | None = None) -> int | None:
    """Count one more; return how many that makes, None if the counter is blocked.

    With `leak_seconds`, it first counts one less for each such time since the last one.

    It begins anew where the last one is FORGOTTEN_AFTER ago. Needs a transaction, and keeps the row
    locked until its end.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "key": key,
                "now": now,
                "forgotten": now - FORGOTTEN_AFTER,
                "leak_seconds": leak_seconds,
            },
        )
        row: tuple[int] | None = cursor.fetchone()
    return None if row is None else row[0]


def block(key: str, *, until: datetime) -> None:
    """Let a counter take nothing until a time: at most FORGOTTEN_AFTER ahead, or it is deleted before."""
    Counter.objects.filter(pk=key).update(blocked_until=until)


def delete_forgotten(*, now: datetime) -> int:
    """Delete counters that count no more; return how many. Idempotent.

    One that is just counted in is left alone: waiting for it could end in a deadlock. No
    transaction may be open.
    """
    unlocked = Counter.objects.select_for_update(skip_locked=True)
    forgotten = unlocked.filter(last_at__lte=now - FORGOTTEN_AFTER)
    with transaction.atomic(durable=True):
        deleted, _ = Counter.objects.filter(pk__in=forgotten.values("pk")).delete()
    return deleted
