"""The chassis's own timed jobs, what is deleted of its tables when its time is over, and what the audit is told."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from chassis import audit_export, jobs, retention
from chassis.events import audit_export as events_told
from chassis.events import inbox, outbox
from chassis.tokens import deny

# Four at once: an event whose handler hangs until its timeout holds up no other one's retry.
jobs.every(1, name="chassis.retry_due_events", parallel=4)(inbox.retry_due)


@retention.rule("outbox")
def delete_published_events(now: datetime) -> int:
    """Delete events that were published OUTBOX_RETENTION_DAYS ago."""
    return outbox.delete_published(before=now - timedelta(days=settings.OUTBOX_RETENTION_DAYS))


@retention.rule("inbox")
def delete_handled_events(now: datetime) -> int:
    """Delete events that were handled INBOX_RETENTION_DAYS ago."""
    return inbox.delete_handled(before=now - timedelta(days=settings.INBOX_RETENTION_DAYS))


@retention.rule("deny_entries")
def delete_deny_entries(now: datetime) -> int:
    """Delete entries that refuse nothing any more."""
    return deny.delete_ended(now=now)


@audit_export.part("events")
def tell_events() -> Iterator[str]:
    """Yield the outbox and the inbox, for the audit."""
    for statement, parameters in events_told.STATEMENTS:
        yield from audit_export.rows(statement, parameters)
