"""What must hold of events once everything is well again: asked of the services' databases by SQL."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Self

import psycopg
from psycopg.rows import dict_row

from local.home import SERVICES
from tests import pace
from tests.faults import effects
from tests.smtp import MailServer
from tests.system.platform import ROOT, Platform, wait_until

WITHIN_SECONDS: Final = 30
"""From the end of the fault, at the reference pace (tests/pace.py)."""
WITHIN_SECONDS_AFTER_A_KILL: Final = 90
"""Where Redis has to notice first that nobody will acknowledge a message any more."""
_SHOWN: Final = 20
"""Differences that are told of those that are left."""

Row = dict[str, Any]
Letter = tuple[str, str]
"""A consumer and the id of the event that it gave up on."""

_HANDLERS: Final = (
    "import json; from chassis.events import declarations as d; "
    "print(json.dumps({name: [s.consumer for s in d.subscriptions_of(name)] for name in d.consumed()}))"
)
_OUTBOX: Final = (
    "SELECT id::text, type, subject, sequence, position, published_at IS NOT NULL AS published, data"
    " FROM outbox"
)
_INBOX: Final = (
    "SELECT consumer, event_id::text AS id, handled_at IS NOT NULL AS handled,"
    " dead_at IS NOT NULL AS dead, effect, error FROM inbox"
)


@cache
def consumers() -> dict[str, list[str]]:
    """Return the services that get each event, by its type."""
    schemas = (ROOT / "contracts" / "events").glob("*.schema.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in schemas]
    return {schema["title"]: schema["x-consumers"] for schema in found}


def read_handlers(platform: Platform) -> dict[str, dict[str, list[str]]]:
    """Return the handlers of each event by service and type, as the services themselves have them."""
    found = {}
    for service in SERVICES:
        finished = platform.run(service, "shell", "--verbosity", "0", "-c", _HANDLERS)
        assert finished.returncode == 0, finished.stderr
        found[service] = json.loads(finished.stdout)
    return found


def connect(platform: Platform, service: str) -> psycopg.Connection[Row]:
    """Return a connection as the service itself has one; each statement is a transaction."""
    url = platform.plan.variables(service)["DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5)


def query(platform: Platform, service: str, statement: str, *values: Any) -> list[Row]:
    """Return the rows of one statement."""
    with connect(platform, service) as connection:
        return connection.execute(statement.encode(), values).fetchall()


@dataclass
class Bus:
    """The events of the platform, and what became of each."""

    platform: Platform
    handlers: Mapping[str, Mapping[str, list[str]]]
    mail: MailServer
    _excused: set[str] = field(default_factory=set)

    def excuse_mail(self) -> None:
        """Leave out of the count what was sent so far: its sender may have been killed meanwhile."""
        told = query(self.platform, "order", f"{_INBOX} WHERE consumer = 'order.mail'")
        self._excused |= set(self._mails()) | {row["id"] for row in told if row["handled"]}

    def assert_converged(
        self,
        *,
        seed: int | None = None,
        within: float = WITHIN_SECONDS,
        poison: AbstractSet[Letter] = frozenset(),
        may_repeat_mail: bool = False,
    ) -> float:
        """Fail unless every event has had its effect, once, in time; return after how many seconds.

        Args:
            seed: of the load, told in a failure.
            within: seconds, at the reference pace.
            poison: what must be a dead letter, and nothing else is one.
            may_repeat_mail: a worker was killed: what it sent last may have been sent again, under
                the same Message-ID.
        """
        started = time.monotonic()
        limit = within * pace.slowness()
        while left := list(self._differences(poison, may_repeat_mail=may_repeat_mail)):
            waited = time.monotonic() - started
            told = "\n".join(left[:_SHOWN])
            assert waited < limit, (
                f"SOUK_SEED={seed}: {len(left)} differences after {waited:.0f} s:\n{told}"
            )
            time.sleep(0.5)
        took = time.monotonic() - started
        print(f"converged {took:.1f} s after the fault (of {limit:.0f} s)")
        return took

    def assert_audited(self) -> None:
        """Fail unless the operator's own proof agrees."""
        finished = self.platform.run("audit", "--pending", "0")
        assert finished.returncode == 0, finished.stdout + finished.stderr

    def dead(self) -> set[Letter]:
        """Return every dead letter."""
        return {
            (row["consumer"], row["id"])
            for service in SERVICES
            for row in query(self.platform, service, f"{_INBOX} WHERE dead_at IS NOT NULL")
        }

    def wait_for_position(self, service: str, name: str, subject: object) -> str:
        """Return the id of the one event of a type about a subject once the relay has numbered it."""
        where = "WHERE type = %s AND subject = %s AND position IS NOT NULL"
        statement = f"{_OUTBOX} {where}"
        found: list[Row] = wait_until(
            lambda: query(self.platform, service, statement, name, str(subject)),
            seconds=20,
            what=f"{name} numbered",
        )
        return str(found[0]["id"])

    def is_published(self, service: str) -> bool:
        """Tell whether a service has events and has published them all."""
        rows = query(self.platform, service, _OUTBOX)
        return bool(rows) and all(row["published"] for row in rows)

    def inbox(self, service: str, event_id: str) -> list[Row]:
        """Return what a service's handlers made of an event."""
        return query(self.platform, service, f"{_INBOX} WHERE event_id = %s", event_id)

    def _differences(self, poison: AbstractSet[Letter], *, may_repeat_mail: bool) -> Iterator[str]:
        outbox = {service: query(self.platform, service, _OUTBOX) for service in SERVICES}
        inbox = {
            service: {
                (row["consumer"], row["id"]): row for row in query(self.platform, service, _INBOX)
            }
            for service in SERVICES
        }
        delivery = list(self._undelivered(outbox, inbox, poison))
        yield from delivery
        if delivery:  # what follows would only repeat it
            return
        for service in SERVICES:
            yield from _gaps(service, outbox[service])
        yield from self._mail_differences(inbox["order"], may_repeat=may_repeat_mail)
        yield from effects.differences(self.platform, query)

    def _undelivered(
        self,
        outbox: Mapping[str, list[Row]],
        inbox: Mapping[str, Mapping[Letter, Row]],
        poison: AbstractSet[Letter],
    ) -> Iterator[str]:
        """Yield what was not published, not handled, handled by nobody's wish, or dead."""
        expected: dict[str, set[Letter]] = {service: set() for service in SERVICES}
        for producer, rows in outbox.items():
            for row in rows:
                if not row["published"]:
                    yield f"{producer} has not published {row['type']} {row['id']}"
                for service in consumers()[row["type"]]:
                    pairs = {(name, row["id"]) for name in self.handlers[service][row["type"]]}
                    expected[service] |= pairs
                    for pair in pairs:
                        told = f"{pair[0]}: {row['type']} {row['id']} #{row['sequence']}"
                        yield from _unhandled(told, inbox[service].get(pair), pair in poison)
        found = {
            pair
            for rows in inbox.values()
            for pair, row in rows.items()
            if not row["effect"].startswith("discarded: ")
        }
        for consumer, event_id in found - set().union(*expected.values()) - poison:
            yield f"{consumer}: {event_id} was published by nobody"
        for consumer, event_id in poison - found:
            yield f"{consumer}: {event_id} is no dead letter"

    def _mail_differences(self, inbox: Mapping[Letter, Row], *, may_repeat: bool) -> Iterator[str]:
        sent = self._mails()
        wanted = {
            event_id
            for (consumer, event_id), row in inbox.items()
            if consumer == "order.mail" and row["effect"] == "mail sent"
        }
        for event_id in wanted - set(sent) - self._excused:
            yield f"order.mail: no mail of {event_id}"
        if may_repeat:
            return
        for event_id in set(sent) - wanted - self._excused:
            yield f"order.mail: a mail of {event_id}, which was not to be sent"
        for event_id, count in sent.items():
            if count > 1 and event_id not in self._excused:
                yield f"order.mail: {count} mails of {event_id}"

    def _mails(self) -> Counter[str]:
        """Return how many mails there are of each event of an order."""
        ids = [str(mail["Message-ID"]) for mail in list(self.mail.mails)]
        return Counter(
            one.removeprefix("<").partition(".")[0] for one in ids if ".order.mail@" in one
        )


def _unhandled(told: str, row: Row | None, is_poison: bool) -> Iterator[str]:
    if row is None:
        yield f"{told} never came"
    elif row["dead"] != is_poison:
        yield f"{told} is {'a' if row['dead'] else 'no'} dead letter: {row['error'][-200:]}"
    elif not row["handled"] and not is_poison:
        yield f"{told} is not handled: {row['error'][-200:]}"


def _gaps(service: str, rows: list[Row]) -> Iterator[str]:
    """Yield what is wrong with the positions that the relay gave."""
    positions = sorted(row["position"] for row in rows)
    if positions and positions != list(range(positions[0], positions[0] + len(positions))):
        yield f"{service}: positions have gaps, or are given twice"


_LATEST: Final = "FROM outbox WHERE position IS NOT NULL ORDER BY position DESC LIMIT 200"
# What only rises, as (what it is, how far): by service, besides what all have.
_RISING: Final = {
    "auth": (),
    "catalog": (),
    "order": (
        "SELECT 'customer ' || user_id, sequence FROM customer",
        "SELECT 'name of ' || sku, described_sequence FROM known_product",
        "SELECT 'status of ' || sku, status_sequence FROM known_product",
        "SELECT 'price of ' || sku, priced_sequence FROM known_product",
        "SELECT 'history of ' || order_id, count(*) FROM order_history GROUP BY order_id",
    ),
}
_RISING_EVERYWHERE: Final = (
    "SELECT 'relay', position FROM relay_state",
    "SELECT 'subject ' || subject, last FROM aggregate_sequence",
    # A position that is given stays: it neither falls nor rises.
    f"(SELECT 'event ' || id, position {_LATEST})",
    f"(SELECT '-event ' || id, -position {_LATEST})",
)


class Watch:
    """Looks twice a second at what must never fall, on connections of its own."""

    def __init__(self, platform: Platform) -> None:
        """Start with the block."""
        self.falls: list[str] = []
        self.looks: Counter[str] = Counter()
        self._platform = platform
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._look, args=(service,), daemon=True)
            for service in SERVICES
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def assert_nothing_fell(self) -> None:
        """Fail if anything fell, or nobody looked."""
        assert self.falls == []
        assert all(self.looks[service] for service in SERVICES), self.looks

    def _look(self, service: str) -> None:
        statement = " UNION ALL ".join((*_RISING_EVERYWHERE, *_RISING[service]))
        last: dict[str, int] = {}
        while not self._ended.is_set():
            try:
                with connect(self._platform, service) as connection:
                    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
                    while not self._ended.wait(0.5):
                        self._compare(service, cursor.execute(statement).fetchall(), last)
            except psycopg.Error:  # the server was stopped, which is a test's to do
                self._ended.wait(0.5)

    def _compare(self, service: str, rows: list[Any], last: dict[str, int]) -> None:
        for what, number in rows:
            if number < last.get(what, number):
                self.falls.append(f"{service}: {what} fell from {last[what]} to {number}")
            last[what] = number
        self.looks[service] += 1
