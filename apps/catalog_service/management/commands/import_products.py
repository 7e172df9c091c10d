"""Import products from a CSV or JSON file."""

import argparse
import contextlib
import csv
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from apps.catalog_service import conf
from apps.catalog_service.services import importing

_SHOWN_BAD_ROWS: Final = 100
_SECONDS_BETWEEN_LINES: Final = 3.0
_LARGEST_ON_HAND: Final = 1_000_000

_DESCRIPTION: Final = """\
Import products from a CSV or JSON file (a list of objects), by sku: products of unknown skus are made,
others are changed where the file says something else. Importing a file again changes nothing.

Fields: sku, name, price and category are required; description, status, image_url, slug, attributes (a
JSON object) and currency are not. What is not given, null or an empty cell stays as it is; a new product
takes the default, status active. A product's slug never changes. A category is found by its name,
whatever its letters' case, or by its slug; an unknown one is made. Of rows with the same sku the last
good one counts.

Bad rows are left out and reported on stderr, the first 100 with their row number (the header of a CSV
is row 1) and reason. All rows are read before the first is written: a file broken in the middle changes
nothing. Rows are written in transactions of 1,000; stopped in between, run it again.
"""


class Command(BaseCommand):
    """Prints `N created, N updated, N unchanged, N bad` last; exits 1 where nothing could be imported."""

    help = _DESCRIPTION

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the paragraphs of the description."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN,...",
            help="where a field stands: a CSV's column as it is called, or a dotted path into a JSON object, "
            "such as name=Name,sku=Id,category=Type.Name; a column with a comma goes in quotes: "
            "'sku=Id,\"name=Name, long\"'; may be repeated; other fields are looked for under their own names",
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
            CommandError: nothing was imported, or the database failed on the way.
        """
        _require_currency(options["currency"])
        _require_on_hand(options["on_hand"])
        mapping = _read_map(options["map"])
        form = options["format"] or _format_of(options["file"])
        with self._reporter() as reporter, _translated(options["file"]):
            try:
                summary = importing.import_products(
                    options["file"],
                    form=form,
                    mapping=mapping,
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
        if summary.bad and not (summary.created or summary.updated or summary.unchanged):
            raise CommandError("Every row is bad: nothing was imported.")

    @contextlib.contextmanager
    def _reporter(self) -> Iterator["_Reporter"]:
        kind = _Bars if self.stderr.isatty() else _Lines
        reporter = kind(self)
        try:
            yield reporter
        finally:
            reporter.close()

    def _print(self, summary: importing.Summary, *, dry_run: bool = False) -> None:
        if summary.bad > _SHOWN_BAD_ROWS:
            self.stderr.write(f"... and {summary.bad - _SHOWN_BAD_ROWS} more bad rows")
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


def _read_map(texts: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in (pair for text in texts for pair in next(csv.reader([text]), [])):
        field, separator, column = pair.partition("=")
        field, column = field.strip(), column.strip()
        if not separator or not column:
            raise CommandError(f'--map takes FIELD=COLUMN, not "{pair}".')
        if field not in importing.FIELDS:
            raise CommandError(
                f'A product has no field "{field}" to --map to; it has {", ".join(importing.FIELDS)}.'
            )
        if field in mapping:
            raise CommandError(f"--map names {field} twice.")
        mapping[field] = column
    return mapping


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in importing.FORMATS:
        return suffix
    if path.is_dir():
        raise CommandError(f"{path} is a folder, not a file.")
    raise CommandError(
        f"The name of {path} ends in neither .csv nor .json: add --format csv or json."
    )


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Say in one sentence what went wrong outside of this program."""
    try:
        yield
    except importing.UnusableFile as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (DatabaseError, InterfaceError) as error:
        message = str(error).strip().partition("\n")[0]
        raise CommandError(
            f"The database failed ({message}): what was written is whole; run the import again."
        ) from error
    except KeyboardInterrupt as error:
        raise CommandError(
            "Stopped: what was written is whole; run the import again.", returncode=130
        ) from error


# Progress, on stderr: stdout holds the summary alone


class _Reporter(ABC):
    """Prints bad rows, the first of them."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._refusals = 0

    def refused(self, refusal: importing.Refusal) -> None:
        self._refusals += 1
        if self._refusals <= _SHOWN_BAD_ROWS:
            self.write(f"row {refusal.number}: {refusal.reason}")

    def write(self, line: str) -> None:
        self._command.stderr.write(line)

    @abstractmethod
    def read(self, position: int, size: int) -> None:
        """Show how much of the file is read."""

    @abstractmethod
    def applied(self, rows: int, total: int) -> None:
        """Show how many rows are applied."""

    def close(self) -> None:  # noqa: B027 -- lines have no end
        """End the progress."""


class _Lines(_Reporter):
    """A line now and then."""

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def read(self, position: int, size: int) -> None:
        self._progress(f"read {position:,} of {size:,} bytes")

    def applied(self, rows: int, total: int) -> None:
        self._progress(f"applied {rows:,} of {total:,} rows")

    def _progress(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self.write(line)
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES


class _Bars(_Reporter):
    """Two bars on a terminal: bytes read, rows applied."""

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._reading = self._bars.add_task("reading", total=None)
        self._applying = self._bars.add_task("writing", total=None, start=False)
        self._bars.start()

    def write(self, line: str) -> None:
        self._bars.console.print(line, markup=False, highlight=False, style="red", soft_wrap=True)

    def read(self, position: int, size: int) -> None:
        self._bars.update(self._reading, completed=position, total=size)

    def applied(self, rows: int, total: int) -> None:
        self._bars.start_task(self._applying)
        self._bars.update(self._applying, completed=rows, total=total)

    def close(self) -> None:
        self._bars.stop()
