"""Rows for the lists of the admin, and where these are."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from chassis import audit
from chassis.ids import uuid7
from chassis.models import DenyEntry, InboxEvent, OutboxEvent
from tests.conftest import envelope

NAME = "sample.note_taken"
HOME = "/admin/orders/"
DEAD_LETTERS = "/admin/orders/chassis/deadletter/"
INBOX = "/admin/orders/chassis/inboxevent/"


def add_events(number=1):
    """Add an event of each kind and state."""
    now = timezone.now()
    for n in range(number):
        OutboxEvent.objects.create(
            type=NAME,
            version=1,
            subject=f"subject-{n}",
            sequence=OutboxEvent.objects.count() + 1,
            data={"text": "<script>alert(1)</script>"},
            request_id="req-1",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            time=now - timedelta(minutes=5),
        )
        for state in ({"handled_at": now, "effect": "kept"}, {"attempts": 1}, {"dead_at": now}):
            message = envelope(NAME, {"text": "a"}, f"subject-{n}")
            InboxEvent.objects.create(
                consumer="sample.check",
                event_id=message["id"],
                type=NAME,
                subject=f"subject-{n}",
                envelope=message,
                error="Traceback\n  File <x>\nLookupError: bad",
                **state,
            )
        with transaction.atomic():
            audit.record(
                "user.role_changed",
                target_type="user",
                target_id=n,
                actor_id=uuid7(),
                after="staff",
            )
        DenyEntry.objects.create(user_id=uuid7(), not_before=now)


def add_dead(consumer="sample.keep"):
    message = envelope(NAME, {"text": "late"}, "subject")
    return InboxEvent.objects.create(
        consumer=consumer,
        event_id=message["id"],
        type=NAME,
        subject="subject",
        envelope=message,
        attempts=8,
        dead_at=timezone.now(),
        error="LookupError: bad",
    )
