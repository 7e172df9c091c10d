"""What staff have done in the background, and what they are told."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chassis.ids import uuid7


class AlertKind(models.TextChoices):
    """What staff should look at."""

    STOCK_LOW = "stock_low", "Stock is low"
    STOCK_DEPLETED = "stock_depleted", "Stock is depleted"
    RESERVATION_OLD = "reservation_old", "Reservation is old"
    LEDGER_MISMATCH = "ledger_mismatch", "Ledger does not sum to the stock"


class Alert(models.Model):
    """Something that staff should look at, open until it is cleared; one of a kind and subject at a time."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=AlertKind.choices)
    subject = models.CharField(max_length=100)
    """Id of what it is about: a product or an order."""
    details = models.JSONField(default=dict)
    raised_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_known"),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(cleared_at__isnull=True),
                name="alert_open_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["subject", "id"], name="alert_by_subject")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.details.get('sku', self.subject)}"


class TransferKind(models.TextChoices):
    """What is brought in or out as a file."""

    IMPORT_PRODUCTS = "import_products", "Import of products"
    ADJUST_STOCK = "adjust_stock", "Adjustment of stock"
    EXPORT_PRODUCTS = "export_products", "Export of products"


class TransferStatus(models.TextChoices):
    """How far a transfer is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Transfer(models.Model):
    """A file that a worker takes in or writes. The row is the truth, the queue only wakes a worker."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=TransferKind.choices)
    status = models.CharField(
        max_length=10, choices=TransferStatus.choices, default=TransferStatus.QUEUED
    )
    file_name = models.CharField(max_length=200, default="", blank=True)
    """What the user calls the file."""
    stored_name = models.CharField(max_length=200, default="", blank=True)
    """Where the private storage has it: what was uploaded, or the result."""
    options = models.JSONField(default=dict)
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    summary = models.JSONField(default=dict)
    refusals = models.JSONField(default=list)
    error = models.TextField(default="", blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    """The file's row up to which it was applied, where a row must not be applied twice."""
    created_by = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "transfer"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=TransferKind.values), name="transfer_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=TransferStatus.values), name="transfer_status_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=[TransferStatus.QUEUED, TransferStatus.RUNNING]),
                name="transfer_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.file_name}".strip()

    @property
    def folder(self) -> str:
        """Where the private storage has its files."""
        return f"transfers/{self.pk}"

    @property
    def is_under_way(self) -> bool:
        """Tell whether more is to come."""
        return self.status in {TransferStatus.QUEUED, TransferStatus.RUNNING}
