"""Files that staff bring in and take out, in the background (ADR 0026).

The row is the truth: a queue's message only wakes a worker. Files are kept in the private storage, in
a folder that is called by the transfer's id, never by what a user calls them.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.utils import timezone

from apps.catalog_service.models import Transfer, TransferKind, TransferStatus
from apps.catalog_service.services.transfers import files
from apps.catalog_service.services.transfers.claiming import fail_lost, next_waiting
from apps.catalog_service.services.transfers.files import open_file
from apps.catalog_service.services.transfers.running import run
from chassis import audit

__all__ = [
    "KEPT_DAYS",
    "MOST_BYTES",
    "delete_old",
    "fail_lost",
    "next_waiting",
    "open_file",
    "run",
    "start",
]

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of an uploaded file; the gateway lets as many through (gateway/dynamic/middlewares.yaml)."""
KEPT_DAYS: Final = 30

_LONGEST_NAME: Final = 200
_BATCH: Final = 100


def start(
    kind: TransferKind,
    *,
    by: UUID,
    file: "File[bytes] | None" = None,
    file_name: str = "",
    options: Mapping[str, Any] | None = None,
) -> Transfer:
    """Keep what was uploaded and queue the transfer; the relay tells a worker within a second.

    Args:
        kind: what is to be done.
        by: who of staff.
        file: what was uploaded, at most MOST_BYTES; None for an export.
        file_name: what the user calls it; an export is called by its date otherwise.
        options: as the kind takes them (see `running`).

    Raises:
        StorageUnavailable: the file could not be kept; nothing is queued.
    """
    if not file_name and kind == TransferKind.EXPORT_PRODUCTS:
        file_name = f"products-{timezone.now():%Y-%m-%d}.csv"
    name = "".join(letter for letter in file_name if letter.isprintable())[:_LONGEST_NAME]
    transfer = Transfer(kind=kind, file_name=name, options=dict(options or {}), created_by=by)
    with contextlib.ExitStack() as undo:
        if file is not None:
            transfer.stored_name = files.keep(f"{transfer.folder}/upload", file)
            undo.callback(files.delete, transfer.stored_name)
        with transaction.atomic(durable=True):
            transfer.save(force_insert=True)
            audit.record(
                "transfer.started",
                target_type="transfer",
                target_id=transfer.pk,
                actor_id=by,
                kind=kind,
                file_name=name,
            )
        undo.pop_all()
    return transfer


def delete_old(*, now: datetime) -> int:
    """Delete transfers that were asked for KEPT_DAYS ago, and their files; return how many. Idempotent.

    The files go first: a row whose files are gone is deleted the next time.
    """
    over = Transfer.objects.filter(
        status__in=[TransferStatus.DONE, TransferStatus.FAILED],
        created_at__lt=now - timedelta(days=KEPT_DAYS),
    )
    deleted = 0
    while rows := list(over.order_by("id").only("pk")[:_BATCH]):
        for transfer in rows:
            files.delete_folder(transfer.folder)
        deleted += Transfer.objects.filter(pk__in=[row.pk for row in rows]).delete()[0]
    return deleted
