"""Import products from a CSV or JSON file."""

from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from apps.catalog_service import conf
from apps.catalog_service.management.files import (
    add_map,
    fail_where_rows_are_bad,
    print_more_bad_rows,
    print_unread_columns,
    read_map,
    reporting,
    translated,
)
from apps.catalog_service.services import importing
from chassis.commands import CommandWithExamples

_LARGEST_ON_HAND: Final = 1_000_000

_DESCRIPTION: Final = """\
Import products from a CSV or JSON file (a list of objects), by sku: products of unknown skus are made,
others are changed where the file says something else. Importing a file again changes nothing.

Fields: sku, name, price and category are required; description, status, image_url, slug, attributes (a
JSON object) and currency are not. What is not given, null or an empty cell stays as it is; a new product
takes the default, status active. A product's slug never changes. A category is found by its name,
whatever its letters' case, or by its slug; an unknown one is made. Of rows with the same sku the last
good one counts. Other columns of a CSV are not read, and told; stock is changed by adjust_stock.

Bad rows are left out and reported on stderr, the first 100 with their row number (the header of a CSV
is row 1) and reason; the exit code is 1 then. All rows are read before the first is written: a file
broken in the middle changes nothing. Rows are written in transactions of 1,000; stopped in between, run
it again.
"""


class Command(CommandWithExamples):
    """Prints `N created, N updated, N unchanged, N bad` last; exits 1 where a row was left out."""

    help = _DESCRIPTION
    examples: ClassVar = (
        ("products.csv --dry-run", "says what would change"),
        ("feed.json --map name=Name,sku=Id,category=Type.Name", "a file of other names"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE", type=Path)
        add_map(
            parser,
            "a CSV's column as it is called, or a dotted path into a JSON object, "
            "such as name=Name,sku=Id,category=Type.Name",
        )
        parser.add_argument(
            "--currency", help="the shop's, and no other: a shop has one currency (SHOP_CURRENCY)"
        )
        parser.add_argument(
            "--on-hand",
            type=int,
            default=0,
            metavar="N",
            help="pieces in stock of each new product; others keep theirs",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="do all of it in one transaction, take it back, and print the summary",
        )
        parser.add_argument(
            "--strict",
            action="store_true",
            help="stop at the first bad row with exit code 1 and leave nothing: the import is one "
            "transaction, and edits of the products it changes wait until it ends",
        )
        parser.add_argument(
            "--format", choices=importing.FORMATS, help="of the file; by its suffix otherwise"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import.

        Raises:
            CommandError: a row was left out, nothing was imported, or the database failed on the way.
        """
        _require_currency(options["currency"])
        _require_on_hand(options["on_hand"])
        columns = read_map(options["map"], of="A product", fields=importing.FIELDS)
        form = options["format"] or _format_of(options["file"])
        with reporting(self.stderr) as reporter, translated(options["file"], "import"):
            try:
                summary = importing.import_products(
                    options["file"],
                    form=form,
                    mapping=columns,
                    listener=reporter,
                    on_hand=options["on_hand"],
                    strict=options["strict"],
                    dry_run=options["dry_run"],
                )
            except importing.RowRefused as error:
                reporter.close()
                self._print(importing.Summary(bad=1))
                raise CommandError("A row is bad: nothing was imported, by --strict.") from error
        self._print(summary, dry_run=options["dry_run"])
        good = summary.created + summary.updated + summary.unchanged
        fail_where_rows_are_bad(bad=summary.bad, good=good, done="imported")

    def _print(self, summary: importing.Summary, *, dry_run: bool = False) -> None:
        print_more_bad_rows(self.stderr, summary.bad)
        print_unread_columns(self.stdout, summary.unread)
        if summary.superseded:
            self.stdout.write(
                f"{summary.superseded} rows have a later row of the same sku, which counts"
            )
        if dry_run:
            self.stdout.write("A dry run: nothing was written")
        self.stdout.write(
            f"{summary.created} created, {summary.updated} updated, "
            f"{summary.unchanged} unchanged, {summary.bad} bad"
        )


# Options


def _require_currency(currency: str | None) -> None:
    if currency is not None and currency != conf.currency():
        raise CommandError(
            f"The shop sells in {conf.currency()} alone (SHOP_CURRENCY): {currency} cannot be imported."
        )


def _require_on_hand(on_hand: int) -> None:
    if not 0 <= on_hand <= _LARGEST_ON_HAND:
        raise CommandError(f"--on-hand must be from 0 to {_LARGEST_ON_HAND:,}.")


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in importing.FORMATS:
        return suffix
    if path.is_dir():
        raise CommandError(f"{path} is a folder, not a file.")
    raise CommandError(
        f"The name of {path} ends in neither .csv nor .json: add --format csv or json."
    )
