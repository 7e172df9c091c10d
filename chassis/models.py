"""Tables that every service's database holds: events, keys and tokens, who is denied, what staff did."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chassis.ids import uuid7


class AggregateSequence(models.Model):
    """The number of the last event of each aggregate."""

    subject = models.CharField(max_length=200, primary_key=True)
    last = models.BigIntegerField()

    class Meta:
        db_table = "aggregate_sequence"

    def __str__(self) -> str:
        """Name the aggregate and its last number."""
        return f"{self.subject} {self.last}"


class OutboxEvent(models.Model):
    """An event, written in the transaction that changed the state.

    The active relay gives `position` (without gaps, in the order it saw them committed), then
    publishes and sets `published_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=100)
    version = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=200)
    sequence = models.BigIntegerField()
    time = models.DateTimeField(default=timezone.now)
    data = models.JSONField()
    request_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    position = models.BigIntegerField(null=True, unique=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbox"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "sequence"], name="outbox_one_sequence_per_subject"
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(position__isnull=False),
                name="outbox_published_has_position",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["time", "sequence"],
                condition=Q(position__isnull=True),
                name="outbox_unnumbered",
            ),
            models.Index(
                fields=["position"],
                condition=Q(published_at__isnull=True),
                name="outbox_unpublished",
            ),
        ]

    def __str__(self) -> str:
        """Name the event."""
        return f"{self.type} {self.subject} {self.sequence}"


class RelayState(models.Model):
    """The last position given by the relay; one row.

    The epoch names one history of positions. It changes when the database is another one than
    `fingerprint` says, such as one that was restored.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(default=uuid7)
    fingerprint = models.CharField(max_length=200, default="", db_default="")
    position = models.BigIntegerField(default=0)

    class Meta:
        db_table = "relay_state"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="relay_state_one_row")
        ]

    def __str__(self) -> str:
        """Name the position."""
        return f"position {self.position}"


class EventCursor(models.Model):
    """Up to which position of a publisher's outbox everything addressed to this service is in its inbox.

    One row for each service whose events are consumed. `epoch` and `last_id` (the event at
    `position`) tell whether the position still means the same there.
    """

    source = models.CharField(max_length=50, primary_key=True)
    epoch = models.UUIDField(null=True)
    position = models.BigIntegerField(default=0, db_default=0)
    last_id = models.UUIDField(null=True)
    next_sweep_at = models.DateTimeField(default=timezone.now, db_default=Now())
    swept_at = models.DateTimeField(null=True)
    repaired = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "event_cursor"

    def __str__(self) -> str:
        """Name the publisher and the position."""
        return f"{self.source} up to {self.position}"


class InboxEvent(models.Model):
    """What one consumer did with one event.

    The row and the effect are one transaction. A failed event is kept with `not_before` until it is
    handled, or dead (`dead_at`).
    """

    consumer = models.CharField(max_length=100)
    event_id = models.UUIDField()
    type = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    envelope = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True)
    effect = models.CharField(max_length=200, default="")
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    class Meta:
        db_table = "inbox"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["consumer", "event_id"], name="inbox_once_per_consumer"
            ),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=True) | Q(dead_at__isnull=True),
                name="inbox_handled_or_dead",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["not_before"],
                condition=Q(handled_at__isnull=True, dead_at__isnull=True),
                name="inbox_due",
            ),
            models.Index(fields=["subject"], name="inbox_subject"),
            models.Index(fields=["dead_at"], condition=Q(dead_at__isnull=False), name="inbox_dead"),
            # As chassis.events.dead_letters.DISCARDED has it.
            models.Index(
                fields=["-id"],
                condition=Q(handled_at__isnull=False, effect__startswith="discarded: "),
                name="inbox_discarded",
            ),
        ]

    def __str__(self) -> str:
        """Name the event and who handles it."""
        return f"{self.type} {self.event_id} for {self.consumer}"


class VerificationKeys(models.Model):
    """The last JWK set seen, so that a restart verifies tokens while auth is down; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    jwks = models.JSONField()
    fetched_at = models.DateTimeField()

    class Meta:
        db_table = "verification_keys"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="verification_keys_one_row")
        ]

    def __str__(self) -> str:
        """Say how old the keys are."""
        return f"keys of {self.fetched_at}"


class ServiceToken(models.Model):
    """The service's own token, encrypted, so that a restart works while auth is down; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    encrypted = models.BinaryField()
    expires_at = models.DateTimeField()
    renew_at = models.DateTimeField()

    class Meta:
        db_table = "service_token"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="service_token_one_row")
        ]

    def __str__(self) -> str:
        """Say how long the token lives, and never the token."""
        return f"token until {self.expires_at}"


class DenyEntry(models.Model):
    """Tokens of the user that were issued at or before `not_before` are refused."""

    user_id = models.UUIDField(primary_key=True)
    not_before = models.DateTimeField()

    class Meta:
        db_table = "deny_entry"
        verbose_name_plural = "deny entries"

    def __str__(self) -> str:
        """Name the user and the time."""
        return f"{self.user_id} until {self.not_before}"


class AuditEntry(models.Model):
    """One action of staff or of an operator, written in the transaction of its effect; never changed.

    `actor_id` is the user, null where a command did it. `details` holds what changed, no secret.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=100)
    target_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128)

    class Meta:
        db_table = "audit_entry"
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index(fields=["target_type", "target_id"], name="audit_entry_target"),
            models.Index(fields=["actor_id"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        """Name the action and its target."""
        return f"{self.action} {self.target_type} {self.target_id}"


class DeadLetter(InboxEvent):
    """An event that a consumer gave up on: the rows of the inbox with `dead_at`."""

    class Meta:
        proxy = True
