"""What an audit finds, and what it counts besides."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

UNDER_WAY = "under way"
MOST = 20
"""Mismatches of one kind at one consumer's events of one type that are told one by one."""


@dataclass(frozen=True)
class Mismatch:
    """Two services, or two tables of one, do not agree."""

    kind: str
    ids: Mapping[str, str]
    expected: str
    found: str

    def line(self) -> str:
        """Return it for people."""
        named = " ".join(f"{name} {value}" for name, value in self.ids.items())
        return _printable(f"{self.kind}: {named}: expected {self.expected}, found {self.found}")


@dataclass
class Findings:
    """All of one audit.

    `cutoff` parts what must agree from what may still be under way. `undone` tells by subject which
    events catalog has not acted on and why: "under way", or in words that a mismatch is told with.
    """

    cutoff: datetime
    mismatches: list[Mismatch] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    undone: dict[str, str] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, expected: str, found: str, **ids: Any) -> None:
        """Note a mismatch."""
        named = {name: str(value) for name, value in ids.items()}
        like = " ".join([kind, *(named[one] for one in ("type", "consumer") if one in named)])
        self._seen[like] += 1
        if self._seen[like] <= MOST:
            self.mismatches.append(Mismatch(kind, named, expected, found))

    @property
    def alike(self) -> dict[str, int]:
        """How many mismatches are like those that are told: a backlog is one finding, not each event."""
        return {like: number - MOST for like, number in self._seen.items() if number > MOST}

    def is_young(self, time: datetime) -> bool:
        """Tell whether what was changed then may still be under way."""
        return time > self.cutoff

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "mismatches": [asdict(one) for one in self.mismatches],
            "alike": self.alike,
            "settled_before": self.cutoff.isoformat(),
            "compared": dict(self.compared),
            "pending": dict(self.pending),
            "outside": dict(self.outside),
            "dead_letters": dict(self.letters),
        }

    def summary(self) -> list[str]:
        """Return the closing lines for people."""
        lines = [
            f"Compared, as of {self.cutoff:%Y-%m-%dT%H:%M:%SZ}: {_counted(self.compared)}.",
            f"Pending, so not judged: {_counted(self.pending)}.",
            f"Outside of what is compared: {_counted(self.outside)}.",
            f"Dead letters: {_counted(self.letters)}.",
        ]
        number = self._seen.total()
        told = {0: "No mismatch.", 1: "1 mismatch."}.get(number, f"{number:,} mismatches.")
        more = [_printable(f"And {n:,} more of {like}.") for like, n in self.alike.items()]
        return [*more, *lines, told]


def _printable(text: str) -> str:
    """Return what somebody may have forged as text that a terminal shows and does not obey."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _counted(counts: Mapping[str, int]) -> str:
    told = [f"{number:,} {name}" for name, number in counts.items() if number]
    return ", ".join(told) or "none"
