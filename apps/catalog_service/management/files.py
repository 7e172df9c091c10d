"""What commands that take in a file have in common: --map, failures in one sentence, and progress."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import DatabaseError, InterfaceError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from apps.catalog_service.services import importing
from apps.catalog_service.services.importing import mapping
from chassis.commands import first_line

_SHOWN_BAD_ROWS: Final = 100
_SECONDS_BETWEEN_LINES: Final = 3.0


def add_map(parser: CommandParser, columns: str) -> None:
    """Declare `--map`; `columns` says what may stand for a column."""
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help=f"where a field stands: {columns}; a column with a comma goes in quotes: "
        "'sku=Id,\"name=Name, long\"'; may be repeated; other fields are looked for under their own names",
    )


def read_map(texts: list[str], *, of: str, fields: Sequence[str]) -> dict[str, str]:
    """Return the column of each field that `--map` names.

    Args:
        texts: what was given.
        of: what has the fields, at the beginning of a sentence.
        fields: those there are.

    Raises:
        CommandError: it does not read so.
    """
    try:
        return mapping.parse(texts, fields=fields, of=of)
    except mapping.BadMapping as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def translated(path: Path, work: str) -> Iterator[None]:
    """Say in one sentence what went wrong outside of this program, which was at some work."""
    try:
        yield
    except importing.UnusableFile as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (DatabaseError, InterfaceError) as error:
        message = first_line(error)
        raise CommandError(
            f"The database failed ({message}): what was written is whole; run the {work} again."
        ) from error
    except KeyboardInterrupt as error:
        raise CommandError(
            f"Stopped: what was written is whole; run the {work} again.", returncode=130
        ) from error


# Progress, on stderr: stdout holds the summary alone


@contextlib.contextmanager
def reporting(stderr: OutputWrapper) -> Iterator["Reporter"]:
    """Give what shows progress: bars on a terminal, a line now and then elsewhere."""
    kind = _Bars if stderr.isatty() else _Lines
    reporter = kind(stderr)
    try:
        yield reporter
    finally:
        reporter.close()


def print_more_bad_rows(stderr: OutputWrapper, bad: int) -> None:
    """Say how many bad rows were not shown."""
    if bad > _SHOWN_BAD_ROWS:
        stderr.write(f"... and {bad - _SHOWN_BAD_ROWS} more bad rows")


def print_unread_columns(stdout: OutputWrapper, unread: Sequence[str]) -> None:
    """Say which columns of a CSV hold nothing that is taken."""
    if unread:
        stdout.write(f"Columns that are not read: {', '.join(unread)}")


def fail_where_rows_are_bad(*, bad: int, good: int, done: str) -> None:
    """End with exit code 1 where a row was left out: whoever runs it by night looks at nothing else.

    Args:
        bad: how many rows were left out.
        good: how many were not.
        done: what is done with good rows, such as "imported".

    Raises:
        CommandError: some are bad, or all.
    """
    if bad and not good:
        raise CommandError(f"Every row is bad: nothing was {done}.")
    if bad:
        rows = "1 row is bad and was" if bad == 1 else f"{bad} rows are bad and were"
        raise CommandError(f"{rows} left out.")


class Reporter(ABC):
    """Prints bad rows, the first of them."""

    def __init__(self, stderr: OutputWrapper) -> None:
        self._stderr = stderr
        self._refusals = 0

    def refused(self, refusal: importing.Refusal) -> None:
        self._refusals += 1
        if self._refusals <= _SHOWN_BAD_ROWS:
            self.write(f"row {refusal.number}: {refusal.reason}")

    def write(self, line: str) -> None:
        self._stderr.write(line)

    @abstractmethod
    def read(self, position: int, size: int) -> None:
        """Show how much of the file is read."""

    @abstractmethod
    def applied(self, rows: int, total: int) -> None:
        """Show how many rows are applied."""

    def close(self) -> None:  # noqa: B027 -- lines have no end
        """End the progress."""


class _Lines(Reporter):
    """A line now and then."""

    def __init__(self, stderr: OutputWrapper) -> None:
        super().__init__(stderr)
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def read(self, position: int, size: int) -> None:
        self._progress(f"read {position:,} of {size:,} bytes")

    def applied(self, rows: int, total: int) -> None:
        self._progress(f"applied {rows:,} of {total:,} rows")

    def _progress(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self.write(line)
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES


class _Bars(Reporter):
    """Two bars on a terminal: bytes read, rows applied."""

    def __init__(self, stderr: OutputWrapper) -> None:
        super().__init__(stderr)
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
