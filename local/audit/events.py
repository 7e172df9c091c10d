"""Outboxes against inboxes: every event was taken by everyone it is owed to, and nobody took any other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby
from typing import Final

from local.audit.exports import Export, Row, time_of
from local.audit.findings import UNDER_WAY, Findings
from local.audit.restored import Restored, has_forgotten

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Prefix:
    """Events older than all that a consumer has taken: it may be new."""

    count: int = 0
    rows: list[Row] = field(default_factory=list)
    """The first one."""


class Comparison:
    """Walks once through all outboxes and inboxes, side by side in the order of events' ids."""

    def __init__(
        self,
        exports: Mapping[str, Export],
        findings: Findings,
        began: Mapping[str, datetime] | None = None,
        restored: Sequence[Restored] = (),
    ) -> None:
        """Compare nothing yet.

        Args:
            exports: of all services, by name.
            findings: what is added to.
            began: consumers that are owed no event from before a time.
            restored: publishers that have forgotten what they published in a time.
        """
        self._exports = exports
        self._findings = findings
        self._began = began or {}
        self._restored = restored
        self._prefixes: dict[tuple[str, str], _Prefix] = {}

    def run(self) -> None:
        """Compare."""
        for service, export in self._exports.items():
            self._check_positions(service, export)
        streams = [
            *(self._stream(service, "outbox", "id") for service in self._exports),
            *(self._stream(service, "inbox", "event") for service in self._exports),
        ]
        together = merge(*streams, key=lambda entry: entry[0])
        for _, entries in groupby(together, key=lambda entry: entry[0]):
            sent: list[tuple[str, Row]] = []
            taken: list[tuple[str, Row]] = []
            for _, service, row in entries:
                (sent if row["kind"] == "outbox" else taken).append((service, row))
            self._judge(sent, taken)
        self._tell_prefixes()

    def _stream(self, service: str, kind: str, key: str) -> Iterator[tuple[str, str, Row]]:
        for row in self._exports[service].rows(kind):
            yield row[key], service, row

    def _check_positions(self, service: str, export: Export) -> None:
        """Look whether a numbered event is gone that cannot have been deleted in time."""
        numbered = export.head["numbered"]
        if numbered["first"] is None:
            return
        expected = (numbered["last"] or 0) - numbered["first"] + 1
        if numbered["rows"] != expected:
            positions = f"{numbered['first']}..{numbered['last']}"
            found = f"{numbered['rows']:,}"
            self._findings.add(
                "outbox_gap", f"{expected:,} events", found, service=service, positions=positions
            )

    def _judge(self, sent: list[tuple[str, Row]], taken: list[tuple[str, Row]]) -> None:
        self._findings.compared["events"] += len(sent)
        ours = [(service, row) for service, row in taken if not self._is_refused(service, row)]
        self._findings.compared["inbox rows"] += len(ours)
        for service, row in ours:
            self._note_state(service, row)
            if row["state"] == "discarded":
                continue  # somebody has looked at it, and it acts no more
            if not sent:
                self._unknown(row)
            elif (row["type"], row["subject"]) != (sent[0][1]["type"], sent[0][1]["subject"]):
                expected = f"{sent[0][1]['type']} of {sent[0][1]['subject']}"
                found = f"{row['type']} of {row['subject']}"
                self._add("event_differs", row, expected, found, consumer=row["consumer"])
        has = {row["consumer"] for _, row in ours}
        for service, row in sent:
            self._look_for(service, row, has)

    def _is_refused(self, service: str, row: Row) -> bool:
        """Tell whether a row is a message that was no event; such a one is counted, no more."""
        if row["consumer"] != f"{service}.refused":
            return False
        self._findings.letters["refused"] += row["state"] == "dead"
        return True

    def _note_state(self, service: str, row: Row) -> None:
        state, name = row["state"], f"{row['type']} of {row['consumer']}"
        if state in {"dead", "discarded"}:
            self._findings.letters[state] += 1
            self._undone(service, row, f"{name} is {'a dead letter' if state == 'dead' else state}")
        elif state == "waiting":
            self._findings.pending["events to be tried again"] += 1
            self._undone(service, row, UNDER_WAY)
        elif state == "stuck":
            self._add("event_stuck", row, "handled, dead, or due", "none", consumer=row["consumer"])
            self._undone(service, row, f"{name} is stuck")

    def _undone(self, service: str, row: Row, why: str) -> None:
        """Keep why an order's event has not had its effect in catalog; what is told goes first."""
        if service == "catalog" and row["type"].startswith("order."):
            known = self._findings.undone.get(row["subject"], UNDER_WAY)
            self._findings.undone[row["subject"]] = why if known == UNDER_WAY else known

    def _unknown(self, row: Row) -> None:
        """Note that an event is in no outbox, unless it was deleted there or came after the export."""
        producer = self._exports.get(row["producer"] or "")
        time = time_of(row["time"])
        if producer is not None and time < producer.outbox_floor:
            self._findings.outside["inbox rows of events no longer kept"] += 1
        elif has_forgotten(self._restored, row["producer"], time):
            self._findings.outside["inbox rows of events that a restored service forgot"] += 1
        elif self._findings.is_young(time):
            self._findings.pending["inbox rows"] += 1
        else:
            expected = f"an event that {row['producer']} published"
            self._add("event_unknown", row, expected, "none", consumer=row["consumer"])

    def _look_for(self, producer: str, row: Row, has: set[str]) -> None:
        time = time_of(row["time"])
        receivers = self._exports[producer].head["sends"].get(row["type"])
        if receivers is None:
            self._findings.outside["events of types no longer declared"] += 1
            return
        missing = [one for one in self._owed(receivers, row, time) if one not in has]
        if missing and self._findings.is_young(time):
            self._findings.pending["events"] += 1
            return
        for service, consumer in ((one.partition(".")[0], one) for one in missing):
            first = self._exports[service].head["first_taken"].get(consumer, {}).get(row["type"])
            if time < (time_of(first) if first else _NEVER):
                prefix = self._prefixes.setdefault((consumer, row["type"]), _Prefix())
                prefix.count += 1
                prefix.rows = prefix.rows or [row]
            else:
                self._missing(row, consumer)

    def _owed(self, receivers: list[str], row: Row, time: datetime) -> Iterator[str]:
        """Yield who must have an event, as the repair has it (chassis/events/repair.py)."""
        for service in receivers:
            export = self._exports[service]
            if row["published"] and time < export.inbox_floor:
                self._findings.outside["events older than an inbox is kept"] += 1
                continue
            for consumer in export.head["handlers"].get(row["type"]) or [f"{service}.unknown"]:
                if consumer in self._began and time < self._began[consumer]:
                    self._findings.outside["events from before their consumer began"] += 1
                else:
                    yield consumer

    def _missing(self, row: Row, consumer: str) -> None:
        kind = "event_missing" if row["published"] else "event_unpublished"
        found = "no row in its inbox" if row["published"] else "it is not even published"
        self._add(kind, row, f"{consumer} has it", found, consumer=consumer)

    def _tell_prefixes(self) -> None:
        """Tell what a consumer lacks of the time before its first event: in one line if it is much."""
        for (consumer, name), prefix in self._prefixes.items():
            if prefix.count == 1:
                self._missing(prefix.rows[0], consumer)
                continue
            service = consumer.partition(".")[0]
            first = self._exports[service].head["first_taken"].get(consumer, {}).get(name)
            self._findings.add(
                "events_before_first",
                f"{prefix.count:,} events from {prefix.rows[0]['time']} on",
                f"none before {first}; if it is new: replay, or --began {consumer}={first}"
                if first
                else "none at all; if it is new: replay, or --began CONSUMER=TIME",
                consumer=consumer,
                type=name,
            )

    def _add(self, kind: str, row: Row, expected: str, found: str, *, consumer: str) -> None:
        event = row["id"] if row["kind"] == "outbox" else row["event"]
        self._findings.add(
            kind,
            expected,
            found,
            event=event,
            type=row["type"],
            subject=row["subject"],
            consumer=consumer,
        )
