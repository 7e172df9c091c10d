"""Ask a catalog that was restored for the reservations that it has forgotten."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.order_service.services import restoring
from chassis.commands import CommandWithExamples, counted, first_line, printable, read_time
from chassis.rest import Unavailable


class Command(CommandWithExamples):
    """Idempotent; exits with 1 while an order has not what it was promised."""

    help = (
        "Ask catalog for the stock of every order placed since a time: after its database was "
        "restored to an earlier one, it has forgotten reservations made since. What it still knows "
        "stays as it is. Prints each order whose stock cannot be had, and exits with 1 if there is "
        "one; mend the stock and run it again."
    )
    examples = (
        ("--since 2026-11-29T08:00Z", "Of a backup of 08:15; an earlier time does no harm."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--since",
            required=True,
            metavar="TIME",
            help="a little before that of the backup, in ISO 8601, UTC if not said",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: catalog does not answer, or some stock cannot be had.
        """
        counts: Counter[str] = Counter()
        try:
            for asked in restoring.reserve_again(since=read_time("--since", options["since"])):
                counts[asked.outcome] += 1
                if asked.told:
                    line = f"{asked.number} {asked.order_id} {asked.outcome}: {asked.told}"
                    self.stdout.write(printable(line))
        except Unavailable as error:
            raise CommandError(
                f"Stopped after {counted(counts.total(), 'order')}: {first_line(error)}. "
                "Run the command again: what is reserved stays so."
            ) from error
        done = counts.pop(restoring.RESERVED, 0) + counts.pop(restoring.CLOSED, 0)
        self.stdout.write(f"Catalog knows the reservations of {counted(done, 'order')}.")
        if left := counts.total():
            raise CommandError(f"The stock of {counted(left, 'order')} cannot be had.")
