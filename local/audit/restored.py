"""Services whose database was restored to an earlier time: what they have forgotten is known, and no mismatch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_MILLISECONDS_SHIFT: Final = 80
"""A UUIDv7 begins with 48 bits of milliseconds (RFC 9562, section 5.7)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Restored:
    """A service has forgotten what it did between the time it was restored to and that of the restore."""

    service: str
    since: datetime
    until: datetime


def has_forgotten(restored: Sequence[Restored], service: str | None, time: datetime) -> bool:
    """Tell whether a service once did something at a time and has forgotten it."""
    return any(one.service == service and one.since <= time < one.until for one in restored)


def time_of_id(text: str) -> datetime:
    """Return when an id was made; of one that no service made, some time up to the last of all."""
    milliseconds = min(UUID(text).int >> _MILLISECONDS_SHIFT, _LATEST)
    return _EPOCH + timedelta(milliseconds=milliseconds)
