"""Prove that the stock is what its ledger sums up to."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from apps.catalog_service.services import ledger
from apps.catalog_service.services.ledger import Mismatch
from chassis.commands import ServiceCommand, first_line


class Command(ServiceCommand):
    """Exits 1 if there is a mismatch."""

    help = (
        "Compare each product's stock with the sums of its ledger, and what is reserved with what open"
        " reservations hold; print each mismatch and exit 1 if there is one. Orders may go on meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print a list of objects")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the database failed.
        """
        try:
            mismatches = ledger.check()
        except (DatabaseError, InterfaceError) as error:
            message = first_line(error)
            raise CommandError(f"The database failed: {message}.") from error
        if options["json"]:
            self.stdout.write(json.dumps([one.as_json() for one in mismatches]))
        else:
            self._print(mismatches)
        if mismatches:
            sys.exit(1)

    def _print(self, mismatches: list[Mismatch]) -> None:
        for one in mismatches:
            self.stdout.write(
                f"{one.sku}: stock {one.on_hand} on hand, {one.reserved} reserved;"
                f" ledger {one.ledger_on_hand} on hand, {one.ledger_reserved} reserved;"
                f" open reservations hold {one.promised}"
            )
        self.stdout.write(f"{len(mismatches)} mismatches" if mismatches else "The ledger sums up.")
