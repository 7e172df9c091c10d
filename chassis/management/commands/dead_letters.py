"""List, redrive and discard dead letters."""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from chassis.commands import CommandWithExamples, counted, printable, read_time
from chassis.events import dead_letters, declarations, describing, inbox
from chassis.events.dead_letters import Filter, RedriveImpossible
from chassis.events.failures import last_line
from chassis.models import DeadLetter

_BATCH: Final = 500
_LISTED: Final = 100
_ONLY_FOR: Final = {
    "all": ("redrive", "discard"),
    "json": ("list",),
    "reason": ("discard",),
}
_DESCRIPTION: Final = """\
List the events that a handler gave up on and the messages that were refused, let them be tried again
(redrive), or give them up for good (discard).

Redriving helps once the reason of the failure is mended: an event is tried as often as a new one, and
dies again if it still fails. A discarded event is not brought again by any delivery. Both are audited.
"""


class Command(CommandWithExamples):
    """Exits 1 where there is nothing to redrive or discard, or a message could not be redriven."""

    help = _DESCRIPTION
    requires_system_checks = []
    examples: ClassVar = (
        ("list", "the oldest 100"),
        ("list --consumer order.mail --json --limit 1000", "those of one handler, as JSON"),
        ("redrive --event order.paid --before 2026-01-31", "those of one type that died earlier"),
        ("redrive --all", "every one"),
        (
            "discard --id 0191d2a4-... --reason 'Sent by hand'",
            "one event, for each of its handlers",
        ),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("action", choices=["list", "redrive", "discard"])
        parser.add_argument("--consumer", metavar="NAME", help="given up on by this handler")
        parser.add_argument("--event", metavar="TYPE", help="of this type, such as order.paid")
        parser.add_argument(
            "--id", dest="ids", action="append", default=[], help="this one; may be repeated"
        )
        parser.add_argument("--subject", metavar="ID", help="of this aggregate, such as an order")
        parser.add_argument("--before", metavar="TIME", help="that died before this time (UTC)")
        parser.add_argument(
            "--all",
            action="store_true",
            help="all of them: what redrive and discard need to be told",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="the oldest N (list: 100)")
        parser.add_argument("--reason", help="discard: why, for the audit log")
        parser.add_argument("--json", action="store_true", help="list: one JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: bad input, or nothing that fits.
        """
        _refuse_what_does_nothing(options)
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit is a number from 1.")
        chosen = _filter(options)
        if options["action"] == "list":
            self._list(chosen, options)
            return
        if options["all"] != chosen.is_empty:
            raise CommandError(
                "Say which ones: by --consumer, --event, --id, --subject or --before, or --all."
            )
        if options["action"] == "redrive":
            self._redrive(chosen, options)
        else:
            self._discard(chosen, options)

    def _list(self, chosen: Filter, options: Any) -> None:
        rows = dead_letters.select(chosen).order_by("dead_at", "id")[: options["limit"] or _LISTED]
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(row) for row in rows]))
            return
        for row in rows:
            self.stdout.write(printable(_as_line(row)))
        if not rows:
            self.stdout.write("There is no such dead letter.")

    def _redrive(self, chosen: Filter, options: Any) -> None:
        failures: list[str] = []

        def act(row: DeadLetter) -> bool:
            try:
                return dead_letters.redrive(row.consumer, row.event_id, by=None)
            except RedriveImpossible as error:
                failures.append(f"{row.event_id} is not redriven: {error}.")
                return False

        done = self._each(chosen, options["limit"], act)
        self.stdout.write(f"{counted(done, 'dead letter')} redriven.")
        for failure in failures[:20]:
            self.stderr.write(printable(failure))
        if failures:
            raise CommandError(f"{counted(len(failures), 'dead letter')} could not be redriven.")

    def _discard(self, chosen: Filter, options: Any) -> None:
        reason = (options["reason"] or "").strip()
        if not reason or len(reason) > dead_letters.LONGEST_REASON:
            raise CommandError(
                f"Give a --reason of {dead_letters.LONGEST_REASON} characters at most: it is audited."
            )
        done = self._each(
            chosen,
            options["limit"],
            lambda row: dead_letters.discard(row.consumer, row.event_id, reason=reason, by=None),
        )
        self.stdout.write(f"{counted(done, 'dead letter')} discarded.")

    def _each(self, chosen: Filter, limit: int | None, act: Callable[[DeadLetter], bool]) -> int:
        """Act on each, in a transaction of its own; return on how many.

        Raises:
            CommandError: there is none.
        """
        done = seen = 0
        for row in _in_batches(chosen, limit):
            seen += 1
            done += act(row)
        if not seen:
            raise CommandError("There is no such dead letter.")
        return done


def _in_batches(chosen: Filter, limit: int | None) -> Iterator[DeadLetter]:
    """Yield those that are dead by now, each once, however long it takes to go through them."""
    if chosen.before is None:
        chosen = Filter(chosen.consumer, chosen.type, chosen.ids, chosen.subject, timezone.now())
    after, left = 0, limit
    while left is None or left > 0:
        size = _BATCH if left is None else min(_BATCH, left)
        rows = list(
            dead_letters.select(chosen).filter(id__gt=after).defer("envelope", "error")[:size]
        )
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1].pk
        left = None if left is None else left - size


def _filter(options: Any) -> Filter:
    consumer, event = options["consumer"], options["event"]
    _look_up(consumer, _consumers(), "consumer", dead_letters.select(Filter(consumer=consumer)))
    _look_up(event, {*settings.EVENT_PUBLISHERS}, "event", dead_letters.select(Filter(type=event)))
    return Filter(
        consumer=consumer,
        type=event,
        ids=[_id(text) for text in options["ids"]],
        subject=options["subject"],
        before=read_time("--before", options["before"]) if options["before"] else None,
    )


def _refuse_what_does_nothing(options: Any) -> None:
    for name, actions in _ONLY_FOR.items():
        if options[name] not in {None, False} and options["action"] not in actions:
            raise CommandError(f"--{name} is for {' and '.join(actions)} alone.")


def _look_up(name: str | None, known: set[str], kind: str, rows: Any) -> None:
    """Refuse a name that was probably mistyped; a handler that is gone may have left some."""
    if name is not None and name not in known and not rows.exists():
        raise CommandError(f"No {kind} is called {name}; there are {', '.join(sorted(known))}.")


def _consumers() -> set[str]:
    return {
        inbox.unknown(),
        dead_letters.refused(),
        *(one.consumer for one in declarations.subscriptions()),
    }


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"{text} is no event's id, which is a UUID.") from error


def _as_line(row: DeadLetter) -> str:
    begin = f"{row.dead_at:%Y-%m-%dT%H:%M:%SZ} {row.event_id} {row.type} for {row.consumer}"
    if row.consumer != dead_letters.refused():
        return f"{begin}, {counted(row.attempts, 'try', 'tries')}: {last_line(row.error)}"
    # Of all that is refused the type is claimed at most: who sent it and what it is tell it apart.
    return f"{begin}, {last_line(row.error)}, {describing.line_of(row.envelope)}"


def _as_json(row: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(row.event_id),
        "type": row.type,
        "consumer": row.consumer,
        "subject": row.subject,
        "received_at": row.received_at.isoformat(),
        "dead_at": row.dead_at.isoformat() if row.dead_at else None,
        "attempts": row.attempts,
        "error": row.error,
        "envelope": row.envelope,
    }
