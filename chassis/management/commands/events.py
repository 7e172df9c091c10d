"""Show how the service's events are doing."""

import json
from dataclasses import asdict, fields
from typing import Any

from django.core.management.base import CommandParser

from chassis.commands import CommandWithExamples
from chassis.events import figures
from chassis.events.figures import Figures


class Command(CommandWithExamples):
    """Reads; changes nothing."""

    help = (
        "Print how the service's events are doing: what waits to be published, in the queues and "
        "to be tried again, what is dead, and how long events took of late."
    )
    examples = (
        ("", "A line for each figure."),
        ("--json", "The same as one JSON object; null is not known, or none."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        now = asdict(figures.read())
        if options["json"]:
            self.stdout.write(json.dumps(now))
            return
        width = max(len(figure.name) for figure in fields(Figures))
        for figure in fields(Figures):
            told = _told(figure.name, now[figure.name])
            self.stdout.write(f"{figure.name:<{width}}  {told:>12}  {figure.metadata['help']}")


def _told(name: str, value: int | float | None) -> str:  # noqa: PYI041 -- whole numbers look different
    if value is None:
        return "no answer" if name == "queue_length" else "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
