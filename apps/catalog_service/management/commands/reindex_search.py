"""Index the products for search anew."""

import time
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError

from apps.catalog_service.services import search
from chassis.commands import CommandWithExamples, first_line

_SECONDS_BETWEEN_LINES: Final = 2.0


class Command(CommandWithExamples):
    """Idempotent; stopped on the way, it is run again."""

    help = (
        "Index every product in SEARCH_LANGUAGE, and collect the words that products have. To be "
        "run when SEARCH_LANGUAGE has changed. The shop stays open: meanwhile search finds some "
        "products by the old language."
    )
    examples: ClassVar = (("", "index all products"),)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the database failed.
        """
        try:
            done = search.reindex(self._progress)
        except (DatabaseError, InterfaceError) as error:
            message = first_line(error)
            raise CommandError(f"The database failed ({message}): run it again.") from error
        self.stdout.write(f"{done:,} products indexed in {settings.SEARCH_LANGUAGE}")

    _next = 0.0

    def _progress(self, done: int) -> None:
        if time.monotonic() >= self._next:
            self.stderr.write(f"{done:,} products")
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
