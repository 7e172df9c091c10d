"""Who is denied: users whose rights changed, until the tokens with their old rights have ended."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from chassis.database import fetch
from chassis.models import DenyEntry

RELOAD_SECONDS: Final = 2.0
UNLOADED_RELOAD_SECONDS: Final = 0.5
KEPT: Final = timedelta(hours=1)
"""Longer than any user's token lives: after that an entry refuses nothing any more."""

# Told twice or out of order, the latest time stays.
_DENY = """
INSERT INTO deny_entry (user_id, not_before) VALUES (%(user_id)s, %(not_before)s)
ON CONFLICT (user_id) DO UPDATE SET not_before = GREATEST(deny_entry.not_before, EXCLUDED.not_before)
"""

# By hand: each web process asks every two seconds.
_LATELY: Final = "SELECT user_id, not_before FROM deny_entry WHERE not_before >= %(since)s"


def deny(user_id: UUID, *, not_before: datetime) -> None:
    """Refuse the user's tokens that were issued at or before a time. Idempotent, in any order."""
    with connection.cursor() as cursor:
        cursor.execute(_DENY, {"user_id": user_id, "not_before": not_before})


def first_issuable(user_id: UUID, *, now: datetime) -> datetime:
    """Return the time that a token issued now may carry so that it is not denied.

    Times in tokens are whole seconds: in the second of a change, the next second is taken, which
    every verifier accepts (LEEWAY_SECONDS).
    """
    entry = DenyEntry.objects.filter(user_id=user_id).first()
    if entry is None or now.timestamp() // 1 > entry.not_before.timestamp():
        return now
    return entry.not_before + timedelta(seconds=1)


def delete_ended(*, now: datetime) -> int:
    """Delete entries that refuse nothing any more; return how many. Idempotent."""
    deleted, _ = DenyEntry.objects.filter(not_before__lt=now - KEPT).delete()
    return deleted


class DenyList:
    """The entries in memory. Asking never queries; reloading happens beside the requests."""

    def __init__(self) -> None:
        """Start without any; `loaded` tells whether the database was asked."""
        self._not_before: dict[UUID, float] = {}
        self.loaded = False

    def refuses(self, user_id: UUID, issued_at: int) -> bool:
        """Tell whether a token of this user and time (`iat`) is refused."""
        not_before = self._not_before.get(user_id)
        return not_before is not None and issued_at <= not_before

    def load(self) -> None:
        """Take the entries that may still refuse a token from the service's database."""
        since = timezone.now() - KEPT
        entries = fetch(_LATELY, {"since": since}, prepare=True)
        self.replace({user_id: at.timestamp() for user_id, at in entries})

    def replace(self, not_before: dict[UUID, float]) -> None:
        """Hold these entries, in seconds since 1970, instead of the present ones."""
        self._not_before = not_before
        self.loaded = True


deny_list = DenyList()
