"""Show what happened around one aggregate."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q

from chassis.models import InboxEvent, OutboxEvent


class Command(BaseCommand):
    """Reads the outbox and the inbox of the service."""

    help = "Print the events that this service published and handled about one subject, such as an order's id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--subject", required=True, help="id of the aggregate")
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
        while _under_way(options["subject"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        log = {"published": _published(options["subject"]), "handled": _handled(options["subject"])}
        if options["json"]:
            self.stdout.write(json.dumps(log))
            return
        for row in log["published"]:
            self.stdout.write(f"{row['at']} published {row['type']}")
        for row in log["handled"]:
            self.stdout.write(
                f"{row['at'] or 'not yet'} {row['consumer']} {row['type']}: {row['effect'] or row['error']}"
            )


def _under_way(subject: str) -> bool:
    return (
        OutboxEvent.objects.filter(subject=subject, published_at=None).exists()
        or InboxEvent.objects.filter(Q(subject=subject), handled_at=None, dead_at=None).exists()
    )


def _published(subject: str) -> list[dict[str, Any]]:
    return [
        {"id": str(row.id), "type": row.type, "sequence": row.sequence, "at": row.time.isoformat()}
        for row in OutboxEvent.objects.filter(subject=subject).order_by("sequence")
    ]


def _handled(subject: str) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.event_id),
            "type": row.type,
            "consumer": row.consumer,
            "at": row.handled_at.isoformat() if row.handled_at else None,
            "published_at": row.envelope["time"],
            "effect": row.effect,
            "attempts": row.attempts,
            "error": row.error.strip().rpartition("\n")[2],
        }
        for row in InboxEvent.objects.filter(subject=subject).order_by("received_at")
    ]
