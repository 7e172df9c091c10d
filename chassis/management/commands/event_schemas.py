"""Print the JSON Schemas of the service's events."""

import json
from argparse import ArgumentParser
from typing import Any

from chassis.commands import ServiceCommand
from chassis.events import schemas


class Command(ServiceCommand):
    """The schemas come from the declared dataclasses, never from a file."""

    help = "Print the JSON Schema of each event that this service publishes or consumes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--consumed", action="store_true", help="this service's views of the events it handles"
        )
        which.add_argument(
            "--all",
            action="store_true",
            help="both, what each handler does, and the envelope, in one object",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the schemas."""
        if options["all"]:
            found: dict[str, Any] = {
                "published": schemas.published(),
                "consumed": schemas.consumed(),
                "handlers": schemas.handlers(),
                "envelope": schemas.envelope(),
            }
        else:
            found = schemas.consumed() if options["consumed"] else schemas.published()
        self.stdout.write(json.dumps(found, indent=2, sort_keys=True))
