"""Export products as a CSV file."""

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from apps.catalog_service.errors import UnknownCategory
from apps.catalog_service.models import ProductStatus
from apps.catalog_service.services import exporting
from apps.catalog_service.services.exporting import Selection
from chassis.exporting import ExportCommand

_DESCRIPTION: Final = """\
Export products to a CSV file in UTF-8, by sku, or to standard output where FILE is -.

Its columns are those of import_products, and on_hand, reserved and available after them, which an
import does not read: imported again, the file changes nothing. The category is its slug, attributes are
a JSON object.

Whoever opens the file in a spreadsheet should ask for --for-spreadsheets: a text that begins with
= + - or @ would otherwise be run as a formula. Such a file is not meant to be imported.
"""


class Command(ExportCommand):
    """Prints `N products exported` on stderr; exits 1 where there is no whole file."""

    help = _DESCRIPTION
    examples: ClassVar = (
        ("products.csv", "all products"),
        ("- --category lamps --status active", "those on sale in one category, printed"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
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

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the export.

        Raises:
            CommandError: there is no whole file; an older one of its name is as it was.
        """
        selection = Selection(category=options["category"], statuses=options["status"])
        done = 0
        with self.opened(options) as file, _translated():
            for number in exporting.write_products(
                file, selection, for_spreadsheets=options["for_spreadsheets"]
            ):
                done = number
        self.stderr.write(f"{done} {'product' if done == 1 else 'products'} exported")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Say in one sentence what was asked for and is not there."""
    try:
        yield
    except UnknownCategory as error:
        raise CommandError(f"{error}.") from error
