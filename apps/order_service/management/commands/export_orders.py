"""Export orders as a CSV file."""

from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.order_service import selectors
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Order
from chassis.exporting import ExportCommand

_DESCRIPTION: Final = """\
Export orders to a CSV file in UTF-8, oldest first, or to standard output where FILE is -.

One line per order, so that amounts add up: number, status, pieces, subtotal, shipping, tax, total, currency,
country, the payment that took the money, times in UTC, the goods, and the customer's address and id. An order
that never had a price has empty amounts.

Whoever opens the file in a spreadsheet should ask for --for-spreadsheets: a text that begins with
= + - or @ would otherwise be run as a formula.
"""


class Command(ExportCommand):
    """Prints `N orders exported` on stderr; exits 1 where there is no whole file."""

    help = _DESCRIPTION
    examples: ClassVar = (
        ("orders.csv", "all orders"),
        (
            "- --status paid --status shipped --placed-after 2026-01-01T00:00:00Z",
            "those paid for and not arrived, of a year, printed",
        ),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--status",
            action="append",
            default=[],
            choices=[status.value for status in OrderStatus],
            help="only orders of this status; may be repeated",
        )
        for side in ("after", "before"):
            parser.add_argument(
                f"--placed-{side}", metavar="TIME", help=f"only orders placed {side} this time"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the export.

        Raises:
            CommandError: there is no whole file; an older one of its name is as it was.
        """
        filters = selectors.OrderFilters(
            statuses=[OrderStatus(status) for status in options["status"]],
            placed_after=_time(options["placed_after"]),
            placed_before=_time(options["placed_before"]),
        )
        orders = selectors.filter_orders(Order.objects.all(), filters)
        done = 0
        with self.opened(options) as file:
            for number, text in selectors.csv_batches(
                orders, for_spreadsheets=options["for_spreadsheets"]
            ):
                file.write(text)
                done = number
        self.stderr.write(f"{done} {'order' if done == 1 else 'orders'} exported")


def _time(text: str | None) -> Any:
    """Return the time that is meant; one without a zone is UTC.

    Raises:
        CommandError: it does not read so.
    """
    if text is None:
        return None
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"{text} is no time such as 2026-01-01T00:00:00Z.")
    return at if timezone.is_aware(at) else timezone.make_aware(at)
