"""Identifiers."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """Return a new UUIDv7: unique, and ordered by its time of making (RFC 9562 section 5.7)."""
    return _uuid7()
