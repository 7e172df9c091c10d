"""Show what happened around some aggregates."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from chassis.commands import ServiceCommand, printable
from chassis.events import declarations
from chassis.events.failures import last_line
from chassis.models import InboxEvent, OutboxEvent


class Command(ServiceCommand):
    """Reads the outbox and the inbox of the service."""

    help = "Print the events that this service published and handled about a subject, such as an order's id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--subject",
            dest="subjects",
            action="append",
            required=True,
            help="id of the aggregate; may be repeated",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument(
            "--wait",
            type=float,
            default=0,
            metavar="SECONDS",
            help="wait until nothing of it is under way here",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the log."""
        deadline = time.monotonic() + options["wait"]
        subjects: list[str] = options["subjects"]
        while _under_way(subjects) and time.monotonic() < deadline:
            time.sleep(0.05)
        log = {"published": _published(subjects), "handled": _handled(subjects)}
        if options["json"]:
            self.stdout.write(json.dumps(log))
            return
        for row in log["published"]:
            self.stdout.write(f"{row['at']} published {row['type']}")
        for row in log["handled"]:
            outcome = f"{row['type']}: {row['effect'] or row['error']}"
            self.stdout.write(printable(f"{row['at'] or 'not yet'} {row['consumer']} {outcome}"))


def _under_way(subjects: list[str]) -> bool:
    return (
        OutboxEvent.objects.filter(subject__in=subjects, published_at=None).exists()
        or InboxEvent.objects.filter(subject__in=subjects, handled_at=None, dead_at=None).exists()
    )


def _published(subjects: list[str]) -> list[dict[str, Any]]:
    declared = declarations.published()
    return [
        {
            "id": str(row.id),
            "type": row.type,
            "subject": row.subject,
            "sequence": row.sequence,
            "at": row.time.isoformat(),
            "consumers": list(declared[row.type].consumers) if row.type in declared else [],
        }
        for row in OutboxEvent.objects.filter(subject__in=subjects).order_by("time", "sequence")
    ]


def _handled(subjects: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.event_id),
            "type": row.type,
            "consumer": row.consumer,
            "at": row.handled_at.isoformat() if row.handled_at else None,
            "published_at": row.envelope.get("time"),  # what was refused has none
            "effect": row.effect,
            "attempts": row.attempts,
            "error": last_line(row.error),
        }
        for row in InboxEvent.objects.filter(subject__in=subjects).order_by("received_at")
    ]
