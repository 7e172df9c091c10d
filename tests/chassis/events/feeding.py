"""Events with positions, as an active relay gives them, and other services' events in an outbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chassis.events import declarations, outbox, relay
from chassis.events.declarations import Published
from chassis.ids import uuid7
from chassis.models import OutboxEvent, RelayState
from tests.chassis.sample.events import NoteTaken

NAME = "sample.note_taken"
OTHERS = "sample.other"
"""An event of this service that is addressed to catalog alone; declare it with `others`."""


def settled() -> datetime:
    """Return a time at which everything written until now is to be had."""
    return timezone.now() + timedelta(seconds=60)


def number() -> None:
    """Begin as a relay does, and give the events their positions."""
    with relay.open_session() as session:
        session.execute(relay._BEGIN, [uuid7()])
        relay.number_all(session)


def write(*texts: str, subject: str = "s") -> list[UUID]:
    """Publish notes, each in a transaction of its own, and number them; return their ids."""
    ids = []
    for text in texts:
        with transaction.atomic():
            ids.append(outbox.publish(NoteTaken(text=text), subject=subject))
    number()
    return ids


def copy_back(position: int) -> None:
    """Leave the database as a copy of its files from when this position was the last would be."""
    OutboxEvent.objects.filter(position__gt=position).delete()
    RelayState.objects.update(position=position)


@contextmanager
def others(monkeypatch: Any) -> Iterator[None]:
    """Declare OTHERS in the block."""
    published = Published(OTHERS, 1, NoteTaken, ("catalog",), subject="the note")
    monkeypatch.setitem(declarations._published, OTHERS, published)
    yield
