"""Free the stock of orders that the order service has forgotten: its database was restored."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.catalog_service.errors import ReservationClosed
from apps.catalog_service.models import Reservation
from apps.catalog_service.services import reservations
from chassis import audit
from chassis.commands import CommandWithExamples, counted


class Command(CommandWithExamples):
    """Idempotent; each order is a transaction of its own, and a line of the audit log."""

    help = (
        "Free the stock that is reserved for orders which the order service does not know any more: "
        "`manage.py audit` names them after its database was restored to an earlier time. Never one "
        "that has its order: cancel that instead."
    )
    examples = (
        ("0198f3a2-7c1e-7d2a-9c0b-3f6a51c0aa01", "Free what was reserved and not paid for."),
        (
            "0198f3a2-7c1e-7d2a-9c0b-3f6a51c0aa01 --sold",
            "Put back what was sold too: the customer gets the money back instead of the goods.",
        ),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("orders", nargs="+", type=UUID, metavar="ORDER_ID")
        parser.add_argument("--sold", action="store_true", help="put back what was paid for too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: some id has no reservation, or its goods are sold.
        """
        refused = [
            f"{order_id}: {why}"
            for order_id in options["orders"]
            if (why := _release(order_id, is_sold_too=options["sold"]))
        ]
        released = len(options["orders"]) - len(refused)
        self.stdout.write(f"{counted(released, 'reservation')} closed.")
        if refused:
            raise CommandError("\n".join(refused))


def _release(order_id: UUID, *, is_sold_too: bool) -> str:
    """Close an order's reservation; return why not, empty where it is done."""
    if not Reservation.objects.filter(order_id=order_id).exists():
        return "catalog has no such reservation"
    try:
        with transaction.atomic(durable=True):
            done = (
                reservations.take_back(order_id) if is_sold_too else reservations.release(order_id)
            )
            audit.record(
                "reservation.released",
                target_type="reservation",
                target_id=str(order_id),
                actor_id=None,
                done=done,
            )
    except ReservationClosed:
        return "its goods are sold; --sold puts them back"
    return ""
