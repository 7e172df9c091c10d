"""How long a log-in lasts, and what a spent refresh token means."""

from datetime import datetime, timedelta
from typing import Final

FAMILY_LIFETIME: Final = timedelta(days=30)
"""A log-in ends this long after the password was given, however often it is refreshed."""

IDLE_LIFETIME: Final = timedelta(days=14)
"""A log-in that is not refreshed for this long ends."""

STAFF_LIFETIME: Final = timedelta(hours=12)
"""A log-in to the admin ends this long after the password was given: a working day."""

REUSE_GRACE: Final = timedelta(seconds=10)
"""A client that lost the answer, or asks twice at once, may show a spent token for this long.

It gets nothing, and its log-in lives. Later, a spent token is a copy in other hands.
"""


def refresh_expiry(*, now: datetime, family_expires_at: datetime) -> datetime:
    """Return when a refresh token issued now ends: idle or absolute, whichever comes first."""
    return min(now + IDLE_LIFETIME, family_expires_at)


def reuse_threshold(now: datetime) -> datetime:
    """Return the time of use before which a spent token, shown now, betrays its family."""
    return now - REUSE_GRACE
