"""The feed: a service's outbox in the order of positions, as its consumers read it to find what was lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from chassis.database import fetch
from chassis.events import declarations, outbox
from chassis.models import OutboxEvent

DEFAULT_LIMIT: Final = 200
LARGEST_LIMIT: Final = 500
SETTLE_SECONDS: Final = 5
"""Events younger than this may still be on their way through the broker: a page ends before them."""
LOOKED_AT: Final = 2_000
"""Rows that one page looks at, those addressed to others among them."""
LONGEST_PAGE: Final = 1_000_000
"""Bytes of events after which a page ends; a caller takes five times as many (chassis.rest)."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""So long after its event was published, no release is waited for that knows the type."""

# One step into the index of positions.
_STATE: Final = """
SELECT epoch, position, (SELECT id FROM outbox WHERE position = %(after)s)
FROM relay_state WHERE id = 1
"""
_LOOK: Final = """
SELECT position, id, type, time, published_at FROM outbox
WHERE position > %(after)s ORDER BY position LIMIT %(limit)s
"""
_OLDEST: Final = """
SELECT position, time FROM outbox WHERE position IS NOT NULL ORDER BY position LIMIT 1
"""


class Entry(msgspec.Struct, frozen=True):
    """An event (its envelope) and its position."""

    position: int
    event: Any


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the feed.

    `position` is up to where this page looked, also at events addressed to others, and `last_id` the
    event there. `restarted` says that the reader's place meant nothing here: the page is the first one.
    """

    epoch: UUID | None
    position: int
    last_id: UUID | None
    more: bool
    restarted: bool = False
    held: bool = False
    """Whether the page ends before an event of a type that this release does not know."""
    pruned: int = 0
    """Events behind the reader's place that were deleted before it came, others' among them."""
    kept_since: datetime | None = None
    """Where a page begins at a time: the oldest event's, if older ones were deleted."""
    events: list[Entry]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader is. The epoch and the event at the position tell whether it still means the same."""

    epoch: UUID | None = None
    position: int = 0
    last_id: UUID | None = None


START: Final = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of a consumer's events are wanted: of one type, from a time on, until before another."""

    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, row: "_Row") -> bool:
        """Tell whether an event is wanted."""
        return (
            (self.name is None or row.type == self.name)
            and (self.since is None or row.time >= self.since)
            and (self.until is None or row.time < self.until)
        )


EVERYTHING: Final = Selection()


class _Row(NamedTuple):
    position: int
    id: UUID
    type: str
    time: datetime
    published_at: datetime | None


def read(
    consumer: str,
    *,
    place: Place = START,
    now: datetime,
    limit: int = DEFAULT_LIMIT,
    selection: Selection = EVERYTHING,
) -> Page:
    """Return the next page of this service's events that are addressed to a consumer.

    One query where there is nothing new.

    Args:
        consumer: the service that reads.
        place: how far it is.
        now: the time; what is younger than SETTLE_SECONDS by it is left for later.
        limit: how many events at most.
        selection: which of its events it wants.
    """
    state = _state(place.position)
    restarted = _is_elsewhere(place, state)
    begin = (
        Place()
        if restarted
        else Place(state.epoch, place.position, state.id_there or place.last_id)
    )
    looked: list[_Row] = []
    more = held = False
    pruned = 0
    if begin.position < state.last:
        rows = _rows(begin.position)
        looked, more, held = _look(rows, consumer, now=now, limit=limit, selection=selection)
        next_kept = rows[0].position if rows else state.last + 1
        pruned = next_kept - begin.position - 1 if begin.position else 0
    wanted = [
        row.position for row in looked if selection.takes(row) and _is_for(consumer, row.type)
    ]
    entries, is_cut = _entries(wanted)
    end = begin.position, begin.last_id
    if is_cut:
        end = entries[-1].position, entries[-1].event.id
    elif looked:
        end = looked[-1].position, looked[-1].id
    elif pruned:
        end = begin.position + pruned, None
    return Page(
        epoch=state.epoch,
        position=end[0],
        last_id=end[1],
        more=more or is_cut,
        restarted=restarted,
        held=held,
        pruned=pruned,
        kept_since=_kept_since(state, now) if selection.since and not begin.position else None,
        events=entries,
    )


class _State(NamedTuple):
    """The history of positions, the last one given, and the event at a reader's place if it is kept."""

    epoch: UUID | None
    last: int
    id_there: UUID | None


def _state(position: int) -> _State:
    rows = fetch(_STATE, {"after": position}, prepare=True)
    return _State(*rows[0]) if rows else _State(None, 0, None)


def _is_elsewhere(place: Place, state: _State) -> bool:
    """Tell whether a place is of another history than this database's.

    A database that was copied back file by file has the epoch of then. So the position must also be
    one that was given, and the event there, where it is still kept, the one that the reader saw.
    """
    if place.position == 0:
        return False
    return (
        place.position > state.last
        or place.epoch not in {None, state.epoch}
        or (None not in {state.id_there, place.last_id} and state.id_there != place.last_id)
    )


def _rows(position: int) -> list[_Row]:
    parameters = {"after": position, "limit": LOOKED_AT}
    return [_Row(*values) for values in fetch(_LOOK, parameters, prepare=True)]


class _Looked(NamedTuple):
    """The rows of a page, others' too, whether there may be more now, and whether one is held back."""

    rows: list[_Row]
    more: bool = False
    held: bool = False


def _look(
    rows: list[_Row], consumer: str, *, now: datetime, limit: int, selection: Selection
) -> _Looked:
    """Return those of the rows that make a page. What is behind one that waits, waits too."""
    wanted = 0
    for index, row in enumerate(rows):
        if row.time > now - timedelta(seconds=SETTLE_SECONDS):
            return _Looked(rows[:index])
        if _is_held(row, now):
            return _Looked(rows[:index], held=True)
        wanted += selection.takes(row) and _is_for(consumer, row.type)
        if wanted == limit:
            return _Looked(rows[: index + 1], more=True)
    return _Looked(rows, more=len(rows) == LOOKED_AT)


def _is_held(row: _Row, now: datetime) -> bool:
    """Tell whether an event is of a type that this release does not know: the next one's to give away.

    But one of a type that no release knows any more must not stop the feed for ever.
    """
    if row.type in declarations.published():
        return False
    return (row.published_at or row.time) > now - FORGOTTEN_AFTER


def _is_for(consumer: str, name: str) -> bool:
    declaration = declarations.published().get(name)
    return declaration is not None and consumer in declaration.consumers


def _entries(positions: Sequence[int]) -> tuple[list[Entry], bool]:
    """Return the events at the positions, in order, and whether they were cut at a page's length."""
    entries: list[Entry] = []
    size = 0
    if positions:
        for row in OutboxEvent.objects.filter(position__in=positions).order_by("position"):
            if size > LONGEST_PAGE:
                return entries, True
            entries.append(Entry(row.position or 0, outbox.envelope_of(row)))
            size += len(msgspec.json.encode(entries[-1]))
    return entries, False


def _kept_since(state: _State, now: datetime) -> datetime | None:
    """Return the time of the oldest event that is kept, None where none was ever deleted."""
    rows = fetch(_OLDEST, {})
    if not rows:
        return now if state.last else None
    position, time = rows[0]
    return time if position > 1 else None
