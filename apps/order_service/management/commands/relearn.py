"""Learn anew what a publisher whose database was restored says of its users or products."""

from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from apps.order_service.services import restoring
from chassis.commands import CommandWithExamples, counted, first_line
from chassis.database import UNAVAILABLE
from chassis.events import sources
from chassis.events.feed import START, Selection
from chassis.events.replay import NotReplayable, Replay
from chassis.rest import Unavailable

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Command(CommandWithExamples):
    """Idempotent, and safe to run beside the worker."""

    help = (
        "Learn anew what auth says of its users, or catalog of its products, after its database was "
        "restored to an earlier time: it numbers its events from there on again, and what is known "
        "here is of higher numbers. Forgets the numbers, and replays the events that it keeps."
    )
    examples = (("catalog", "After catalog's database was restored."),)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("publisher", choices=sorted(restoring.CONSUMERS))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the publisher does not answer.
        """
        source = options["publisher"]
        try:
            replay = _replay(source)
            forgotten = restoring.forget_numbers(source)
            for _ in replay.run():
                pass
        except (NotReplayable, Unavailable, *UNAVAILABLE) as error:
            raise CommandError(
                f"{first_line(error).rstrip('.')}. Run the command again."
            ) from error
        found = counted(replay.counts.handed_over, "event")
        self.stdout.write(f"{forgotten:,} numbers forgotten, {found} of {source} handed over.")


def _replay(source: str) -> Replay:
    """Return a replay of all events that the publisher still keeps."""
    now = timezone.now()
    page = sources.read(source, START, now=now, limit=1, selection=Selection(since=_BEGIN))
    return Replay(
        consumer=restoring.CONSUMERS[source],
        name=None,
        since=page.kept_since or _BEGIN,
        until=now,
        again=True,
    )
