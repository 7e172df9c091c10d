"""Exports of the services (`manage.py SERVICE audit_export`): opened, proved whole, and read in order of ids."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from local.errors import PlatformError
from local.home import SERVICES

Row = dict[str, Any]

FORMAT: Final = 1
ID: Final[Mapping[str, str]] = {
    "outbox": "id",
    "inbox": "event",
    "order": "id",
    "reservation": "order",
}
"""The member by which the lines of a kind are in order."""

_HEAD: Final = frozenset(
    {"service", "at", "outbox_days", "inbox_days", "sends", "handlers", "first_taken", "numbered"}
)
_KIND: Final = re.compile(rb'\{\s*"kind"\s*:\s*"([a-z]+)"')


@dataclass(frozen=True)
class Export:
    """One service at one moment: what its first line says, and where the lines of each kind begin."""

    path: Path
    head: Row
    begins: Mapping[str, int]
    counts: Mapping[str, int]

    @property
    def service(self) -> str:
        """The service that it is of."""
        return str(self.head["service"])

    @property
    def at(self) -> datetime:
        """The moment, by its database's clock."""
        return time_of(self.head["at"])

    @property
    def outbox_floor(self) -> datetime:
        """No event from this time on can have been deleted from its outbox."""
        return self.at - timedelta(days=self.head["outbox_days"])

    @property
    def inbox_floor(self) -> datetime:
        """No event from this time on can have been deleted from its inbox."""
        return self.at - timedelta(days=self.head["inbox_days"])

    def rows(self, kind: str) -> Iterator[Row]:
        """Yield the lines of a kind.

        Raises: PlatformError where one that must be in order of ids is not.
        """
        key, last = ID.get(kind), ""
        for row in self._read(kind):
            if key is not None:
                if row[key] < last:
                    raise PlatformError(
                        f"{self.path}: the lines of {kind} are not in order of ids."
                    )
                last = row[key]
            yield row

    def _read(self, kind: str) -> Iterator[Row]:
        if kind not in self.begins:
            return
        with self.path.open("rb") as file:
            file.seek(self.begins[kind])
            for _ in range(self.counts[kind]):
                line = file.readline()
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise PlatformError(f"{self.path} holds a broken line: {error}.") from error


def time_of(text: str) -> datetime:
    """Return a time as exports write it."""
    return datetime.fromisoformat(text)


def open_export(path: Path) -> Export:
    """Look through a file once.

    Raises: PlatformError where it cannot be read, or is no whole export.
    """
    try:
        return _look_through(path)
    except OSError as error:
        raise PlatformError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PlatformError(f"{path} is no whole export of a service: {error}.") from error


def _look_through(path: Path) -> Export:
    begins: dict[str, int] = {}
    counts: dict[str, int] = {}
    last, kind, place = b"", "", 0
    with path.open("rb") as file:
        head = json.loads(file.readline())
        if head["kind"] != "service" or head["format"] != FORMAT or not head.keys() >= _HEAD:
            raise ValueError("its first line is not that of this release")
        file.seek(0)
        for line in file:
            found = _KIND.match(line)
            if found is None:
                raise ValueError(f"the line at byte {place} is none of an export")
            if (now := found[1].decode()) != kind:
                kind = now
                if kind in begins:
                    raise ValueError(f"lines of {kind} are in two places")
                begins[kind] = place
            counts[kind] = counts.get(kind, 0) + 1
            last, place = line, place + len(line)
    end = json.loads(last)
    if end["kind"] != "end" or end["lines"] != sum(counts.values()) - 1:
        raise ValueError("its end is missing, or lines before it are")
    return Export(path, head, begins, counts)


def by_service(exports: list[Export]) -> dict[str, Export]:
    """Return the exports by service.

    Raises: PlatformError unless there is one of each.
    """
    found = {export.service: export for export in exports}
    if sorted(found) != sorted(SERVICES) or len(exports) != len(SERVICES):
        names = ", ".join(export.service for export in exports)
        raise PlatformError(
            f"An export of each of {', '.join(SERVICES)} is needed; these are of {names}."
        )
    return found


def refuse_strangers(began: Mapping[str, datetime], exports: Mapping[str, Export]) -> None:
    """Look whether every consumer that is said to be new is one.

    Raises: PlatformError where there is no such consumer.
    """
    known = {
        consumer
        for export in exports.values()
        for consumers in export.head["handlers"].values()
        for consumer in consumers
    }
    if strangers := sorted(began.keys() - known):
        raise PlatformError(f"There is no consumer called {strangers[0]}: see docs/events.md.")
