"""Export products as a CSV file."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from apps.catalog_service.errors import UnknownCategory
from apps.catalog_service.models import ProductStatus
from apps.catalog_service.services import exporting
from apps.catalog_service.services.exporting import Selection
from chassis.commands import CommandWithExamples, first_line

_STANDARD_OUTPUT: Final = "-"
_DESCRIPTION: Final = """\
Export products to a CSV file in UTF-8, by sku, or to standard output where FILE is -.

Its columns are those of import_products, and on_hand, reserved and available after them, which an
import does not read: imported again, the file changes nothing. The category is its slug, attributes are
a JSON object.

Whoever opens the file in a spreadsheet should ask for --for-spreadsheets: a text that begins with
= + - or @ would otherwise be run as a formula. Such a file is not meant to be imported.
"""


class Command(CommandWithExamples):
    """Prints `N products exported` on stderr; exits 1 where there is no whole file."""

    help = _DESCRIPTION
    examples: ClassVar = (
        ("products.csv", "all products"),
        ("- --category lamps --status active", "those on sale in one category, printed"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--category", default="", metavar="SLUG", help="only this category and all below it"
        )
        parser.add_argument(
            "--status",
            action="append",
            default=[],
            choices=ProductStatus.values,
            help="only products of this status; may be repeated",
        )
        parser.add_argument(
            "--for-spreadsheets",
            action="store_true",
            help="put an apostrophe before texts that a spreadsheet would run as a formula",
        )
        parser.add_argument(
            "--force", action="store_true", help="replace FILE where there is one already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the export.

        Raises:
            CommandError: there is no whole file; an older one of its name is as it was.
        """
        selection = Selection(category=options["category"], statuses=options["status"])
        done = 0
        with _translated(options["file"]), self._opened(options) as file:
            for number in exporting.write_products(
                file, selection, for_spreadsheets=options["for_spreadsheets"]
            ):
                done = number
        self.stderr.write(f"{done} {'product' if done == 1 else 'products'} exported")

    def _opened(self, options: Any) -> contextlib.AbstractContextManager[exporting.TextFile]:
        if options["file"] == _STANDARD_OUTPUT:
            return contextlib.nullcontext(self.stdout)
        return _whole_or_not_at_all(Path(options["file"]), replace=options["force"])


@contextlib.contextmanager
def _whole_or_not_at_all(path: Path, *, replace: bool) -> Iterator[exporting.TextFile]:
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
    except UnknownCategory as error:
        raise CommandError(f"{error}.") from error
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
