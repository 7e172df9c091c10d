"""Adjust the stock of many products by a CSV file."""

from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from apps.catalog_service.management.files import (
    add_map,
    fail_where_rows_are_bad,
    print_more_bad_rows,
    print_unread_columns,
    read_map,
    reporting,
    translated,
)
from apps.catalog_service.services import stock
from apps.catalog_service.services.stock import rows
from chassis.commands import CommandWithExamples

_ACTOR: Final = "adjust_stock"
_DESCRIPTION: Final = """\
Adjust the stock of products by a CSV file with the columns sku, quantity or on_hand, and reason.

quantity is added to what is on hand; a negative one is taken away. on_hand is a count: so many pieces
there are. A row gives one of the two, a reason if it likes. A file may be run again with counts, which
change nothing then; quantities would be added a second time. What is reserved for orders is never taken.

Bad rows are left out and reported on stderr, the first 100 with their row number (the header is row 1)
and reason; the exit code is 1 then. The file is read to its end before the first row is applied; then
rows are applied in transactions of 1,000. Stopped in between, the ledger of a product tells whether its
row was applied: its reason names the file.
"""


class Command(CommandWithExamples):
    """Prints `N adjusted, N unchanged, N bad` last; exits 1 where a row was left out."""

    help = _DESCRIPTION
    examples: ClassVar = (
        ("delivery.csv --reason 'Delivery 1042'", "what came in"),
        ("count.csv --map on_hand=Counted --dry-run", "says what a count would change"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument(
            "--reason", default="", help="of rows without one; by default it names the file"
        )
        add_map(parser, "the CSV's column as it is called, such as on_hand=Counted")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="adjust nothing, and say what would be; rows of one sku do not see each other then",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Adjust.

        Raises:
            CommandError: a row was left out, nothing was adjusted, or the database failed on the way.
        """
        if len(options["reason"]) > rows.LONGEST_REASON:
            raise CommandError(f"--reason must be at most {rows.LONGEST_REASON} characters.")
        mapping = read_map(options["map"], of="An adjustment", fields=rows.FIELDS)
        path = options["file"]
        with reporting(self.stderr) as reporter, translated(path, "adjustment"):
            summary = stock.adjust_from_file(
                path,
                listener=reporter,
                actor=_ACTOR,
                reason=options["reason"],
                mapping=mapping,
                dry_run=options["dry_run"],
            )
        print_more_bad_rows(self.stderr, summary.bad)
        print_unread_columns(self.stdout, summary.unread)
        if options["dry_run"]:
            self.stdout.write("A dry run: nothing was written")
        self.stdout.write(
            f"{summary.adjusted} adjusted, {summary.unchanged} unchanged, {summary.bad} bad"
        )
        good = summary.adjusted + summary.unchanged
        fail_where_rows_are_bad(bad=summary.bad, good=good, done="adjusted")
