"""Identifiers."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """Return a new UUIDv7: unique, and ordered by its time of making (RFC 9562 section 5.7)."""
    return _uuid7()


def first_uuid7(at: datetime) -> UUID:
    """Return the lowest UUIDv7 of a millisecond: a bound for rows made since, by their primary key."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)
