"""Delete what is over."""

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from chassis import retention
from chassis.commands import CommandWithExamples


class Command(CommandWithExamples):
    """Idempotent; the relay does the same each hour."""

    help = (
        "Delete what is over: published events after OUTBOX_RETENTION_DAYS, handled ones after "
        "INBOX_RETENTION_DAYS, deny entries, and in auth ended log-ins, forgotten log-in failures "
        "and retired signing keys. Never an event that is not published, and never a dead letter. "
        "The relay does it each hour; safe to run beside it."
    )
    examples = (
        ("", "Delete, and print how many rows of each kind went."),
        ("--json", "The same as one JSON object."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        deleted = {}
        for name, count in retention.prune(now=timezone.now()):
            deleted[name] = count
            if not options["json"]:
                self.stdout.write(f"{name}: {count} deleted")
        if options["json"]:
            self.stdout.write(json.dumps(deleted))
