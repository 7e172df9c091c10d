"""Hand past events to a consumer that is new or was repaired."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from chassis.commands import CommandWithExamples, counted, first_line, read_time
from chassis.database import UNAVAILABLE
from chassis.events.replay import Counts, NotReplayable, Replay
from chassis.rest import Unavailable


class Command(CommandWithExamples):
    """Reads the publishers' feeds, this service's own too; safe to run beside the worker."""

    help = (
        "Hand events of a time to one consumer of this service: one that is new, or was repaired. "
        "What it has already, handled or dead, is passed over, so the command may be stopped and "
        "run again. Only events that their publisher still keeps (OUTBOX_RETENTION_DAYS) can be had."
    )
    examples = (
        (
            "--from 2026-11-01 --consumer order.mail --dry-run",
            "Count what would be handed over, and hand over nothing.",
        ),
        (
            "--from 2026-11-01T08:00Z --to 2026-11-01T09:00Z --event order.paid --consumer order.mail",
            "One hour's events of one type that the consumer never got.",
        ),
        (
            "--from 2026-11-01 --consumer order.mail --again",
            "All of them once more, with their effect: here every mail is sent again.",
        ),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--from",
            dest="since",
            required=True,
            metavar="TIME",
            help="in ISO 8601, UTC if not said",
        )
        parser.add_argument(
            "--to", dest="until", metavar="TIME", help="before this time; now without"
        )
        parser.add_argument("--event", metavar="TYPE", help="of this type alone, as order.paid")
        parser.add_argument(
            "--consumer", required=True, help="its name in the inbox, as order.mail"
        )
        parser.add_argument(
            "--again",
            action="store_true",
            help="also what it has handled, and what is dead; audited",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and hand over nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        replay = Replay(
            consumer=options["consumer"],
            name=options["event"],
            since=read_time("--from", options["since"]),
            until=read_time("--to", options["until"]) if options["until"] else timezone.now(),
            again=options["again"],
            dry_run=options["dry_run"],
        )
        try:
            for counts in replay.run():
                if counts.found:
                    self.stderr.write(f"{counted(counts.found, 'event')} found so far")
        except NotReplayable as error:
            raise CommandError(str(error)) from error
        except (Unavailable, *UNAVAILABLE) as error:
            raise CommandError(
                f"Stopped after {counted(replay.counts.handed_over, 'event')}: {first_line(error)}. "
                "Run the command again: what was handled is passed over."
            ) from error
        self.stdout.write(_result(replay, replay.counts))


def _result(replay: Replay, counts: Counts) -> str:
    if replay.dry_run:
        new = counts.found if replay.again else counts.found - counts.had
        done = f"{new:,} would be handed to {replay.consumer}"
    else:
        done = f"{counts.handed_over:,} handed to {replay.consumer}"
    refused = f", {counts.refused:,} refused (see dead_letters list)" if counts.refused else ""
    return (
        f"{counted(counts.found, 'event')} found, {counts.had:,} of them known to it before, "
        f"{done}{refused}."
    )
