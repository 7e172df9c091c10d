"""Fill a shop with products by the million."""

import time
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from apps.catalog_service.services import seeding
from chassis.commands import CommandWithExamples, first_line

_MOST_PRODUCTS: Final = 10_000_000
_MOST_CATEGORIES: Final = 10_000
_MOST_SEED: Final = 999_999
_SECONDS_BETWEEN_LINES: Final = 2.0


class Command(CommandWithExamples):
    """All or nothing; run again it adds what is missing."""

    help = (
        "Fill a shop with made-up products for tests and benchmarks: names, prices, attributes, "
        "categories, stock with its ledger, price history, sales and search words. The same seed "
        "gives the same products. No events are published: other services hear nothing of them."
    )
    examples: ClassVar = (
        ("--products 1000000", "a million products, in about two minutes"),
        ("--products 1000 --categories 20 --seed 7", "a thousand of another seed"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--products", type=int, required=True, metavar="N", help="how many there shall be"
        )
        parser.add_argument(
            "--categories", type=int, default=200, metavar="N", help="how many (default 200)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="which products (default 1)"
        )
        parser.add_argument(
            "--mix", action="store_true", help="add them to a shop that has other products"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: a number is out of bounds, the shop has other products, or the database failed.
        """
        _require("--products", options["products"], 1, _MOST_PRODUCTS)
        _require("--categories", options["categories"], 1, _MOST_CATEGORIES)
        _require("--seed", options["seed"], 0, _MOST_SEED)
        started = time.monotonic()
        try:
            seeded = seeding.seed(
                products=options["products"],
                categories=options["categories"],
                number=options["seed"],
                mix=options["mix"],
                progress=self._progress,
            )
        except seeding.MixedShop as error:
            raise CommandError(f"{error} Add --mix to have both.") from error
        except (DatabaseError, InterfaceError) as error:
            message = first_line(error)
            raise CommandError(f"The database failed ({message}): nothing was added.") from error
        self.stdout.write(
            f"{seeded.products:,} products of seed {options['seed']}: {seeded.added:,} added "
            f"in {time.monotonic() - started:.1f} s, without events"
        )

    _next = 0.0

    def _progress(self, text: str) -> None:
        if time.monotonic() >= self._next:
            self.stderr.write(text)
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES


def _require(option: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise CommandError(f"{option} must be from {low:,} to {high:,}.")
