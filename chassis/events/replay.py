"""Replay: past events of their publishers' feeds, handed to one consumer that is new or was repaired."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chassis import audit
from chassis.events import dead_letters, declarations, inbox, sources
from chassis.events.declarations import Subscription
from chassis.events.feed import LARGEST_LIMIT, START, Page, Place, Selection
from chassis.models import InboxEvent


class NotReplayable(Exception):
    """What was asked for cannot be replayed; says why in a sentence."""


@dataclass(slots=True)
class Counts:
    """What a replay has done so far, in events."""

    found: int = 0
    had: int = 0
    """Handled, waiting or dead already, before this replay."""
    handed_over: int = 0
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Which events go to which consumer.

    `again` is for what it has already: it is handled once more, with its effect, also what is dead.
    """

    consumer: str
    name: str | None
    since: datetime
    until: datetime
    again: bool = False
    dry_run: bool = False
    counts: Counts = field(default_factory=Counts)

    def run(self) -> Iterator[Counts]:
        """Hand the events over, page by page; yield the counts after each. May be run again.

        Raises:
            NotReplayable: there is no such consumer or event, or the events are no longer kept.
            Unavailable: a publisher gave no page; what was handed over stays so.
            OperationalError, InterfaceError: the database is unwell.
        """
        if self.since > timezone.now():
            raise NotReplayable("--from is in the future.")
        if self.until <= self.since:
            raise NotReplayable("--to must be after --from.")
        handlers = {one.name: one for one in find_subscriptions(self.consumer, self.name)}
        publishers = [name for name in sources.names() if name in _publishers(handlers)]
        for source in publishers:
            self._refuse_too_old(source)
        if not self.dry_run:
            self._record()
        for source in publishers:
            for page in self._pages(source):
                self._hand_over(source, page, handlers)
                yield self.counts

    def _refuse_too_old(self, source: str) -> None:
        kept = self._read(source, START, limit=1).kept_since
        if kept is not None and self.since < kept:
            raise NotReplayable(
                f"{source} keeps events since {kept.isoformat(timespec='seconds')} only; "
                "begin there or later."
            )

    def _record(self) -> None:
        with transaction.atomic(durable=True):
            audit.record(
                "events.replayed",
                target_type="consumer",
                target_id=self.consumer,
                actor_id=None,
                event=self.name,
                since=self.since.isoformat(),
                until=self.until.isoformat(),
                again=self.again,
            )

    def _pages(self, source: str) -> Iterator[Page]:
        place, more = START, True
        while more:
            page = self._read(source, place, limit=LARGEST_LIMIT)
            if place.position and page.restarted:
                raise NotReplayable(f"{source} was restored meanwhile; run the command again.")
            yield page
            more = page.more and page.position > place.position
            place = Place(page.epoch, page.position, page.last_id)

    def _read(self, source: str, place: Place, *, limit: int) -> Page:
        selection = Selection(name=self.name, since=self.since, until=self.until)
        return sources.read(source, place, now=timezone.now(), limit=limit, selection=selection)

    def _hand_over(self, source: str, page: Page, handlers: dict[str, Subscription]) -> None:
        events = [one.event for one in page.events if sources.type_of(one.event) in handlers]
        has = self._ids_of_those_it_has(events)
        for event in events:
            self.counts.found += 1
            if sources.id_of(event) in has:
                self.counts.had += 1
                if not self.again:
                    continue
            if not self.dry_run:
                self._receive(handlers[event["type"]], event, source)

    def _ids_of_those_it_has(self, events: Sequence[Any]) -> set[UUID]:
        ids = {event_id for event in events if (event_id := sources.id_of(event))}
        rows = InboxEvent.objects.filter(consumer=self.consumer, event_id__in=ids)
        return set(rows.values_list("event_id", flat=True))

    def _receive(self, subscription: Subscription, event: dict[str, Any], source: str) -> None:
        try:
            taken = inbox.receive_for(subscription, event, producer=source, again=self.again)
        except inbox.Refused as error:
            dead_letters.refuse(event, reason=str(error), producer=source)
            self.counts.refused += 1
        else:
            self.counts.handed_over += taken


def find_subscriptions(consumer: str, name: str | None) -> list[Subscription]:
    """Return what a consumer handles, or the one event of that name.

    Raises:
        NotReplayable: there is no such consumer, or it does not handle the event.
    """
    every = declarations.subscriptions()
    its = {one.name: one for one in every if one.consumer == consumer}
    if not its:
        consumers = ", ".join(sorted({one.consumer for one in every})) or "none"
        raise NotReplayable(f"There is no consumer {consumer}. There are: {consumers}.")
    if name is None:
        return list(its.values())
    if name not in its:
        raise NotReplayable(f"{consumer} does not handle {name}, but {', '.join(sorted(its))}.")
    return [its[name]]


def _publishers(names: Iterable[str]) -> set[str | None]:
    return {declarations.publisher_of(name) for name in names}
