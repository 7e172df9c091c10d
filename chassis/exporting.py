"""Commands that write a CSV file."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from chassis.commands import CommandWithExamples, first_line

_STANDARD_OUTPUT: Final = "-"


class TextFile(Protocol):
    """What is written to: nothing but `write` is asked of it."""

    def write(self, text: str, /) -> object:
        """Take some text."""


class ExportCommand(CommandWithExamples):
    """Writes FILE whole or not at all, or standard output where FILE is -."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what every export takes."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--for-spreadsheets",
            action="store_true",
            help="put an apostrophe before texts that a spreadsheet would run as a formula",
        )
        parser.add_argument(
            "--force", action="store_true", help="replace FILE where there is one already"
        )

    @contextlib.contextmanager
    def opened(self, options: Any) -> Iterator[TextFile]:
        """Give what is written to; a file takes its name when the block ends well.

        Raises:
            CommandError: there is no whole file; an older one of its name is as it was.
        """
        with _translated(options["file"]):
            if options["file"] == _STANDARD_OUTPUT:
                yield self.stdout
            else:
                with _whole_or_not_at_all(Path(options["file"]), replace=options["force"]) as file:
                    yield file


@contextlib.contextmanager
def _whole_or_not_at_all(path: Path, *, replace: bool) -> Iterator[TextFile]:
    """Give a file beside the path that takes its name once all is written."""
    if path.is_dir():
        raise CommandError(f"{path} is a folder, not a file.")
    if path.exists() and not replace:
        raise CommandError(f"There is a file {path} already: add --force to replace it.")
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", newline="", delete=False
    ) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    """Return what the user's files are made without; to ask is to set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    """Say in one sentence what went wrong outside of this program."""
    try:
        yield
    except BrokenPipeError as error:
        # Python would write what is left on its way out, and complain anew.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError("The reader of the output went away before its end.") from error
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror or error}.") from error
    except (DatabaseError, InterfaceError) as error:
        message = first_line(error)
        raise CommandError(f"The database failed ({message}): export again.") from error
    except KeyboardInterrupt as error:
        raise CommandError("Stopped: there is no file.", returncode=130) from error
