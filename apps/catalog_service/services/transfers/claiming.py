"""Who works at a transfer: one at a time in the whole service, known to live by its heartbeat.

Every write of a worker names the attempt that it claimed, so that one that was taken for dead, and
is not, changes nothing any more.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.catalog_service.models import Transfer, TransferStatus
from chassis import audit

STALE_SECONDS: Final = 60
"""Without a heartbeat for so long, whoever worked at it is dead."""
MOST_ATTEMPTS: Final = 3

_ONE_AT_A_TIME: Final = 0x54_52_4E_53


class Lost(Exception):
    """The transfer is no longer this worker's."""


def next_waiting() -> UUID | None:
    """Return the transfer to be taken next; None where there is none, or one is under way."""
    waiting = _waiting().order_by("id").values_list("pk", flat=True).first()
    return None if waiting is None or _under_way().exists() else waiting


def claim(transfer_id: UUID) -> Transfer | None:
    """Take a transfer that waits; return None where it does not, or another one is under way."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        if _under_way().exists():
            return None
        taken = (
            _waiting()
            .filter(pk=transfer_id)
            .update(status=TransferStatus.RUNNING, attempts=F("attempts") + 1, heartbeat_at=Now())
        )
    return Transfer.objects.get(pk=transfer_id) if taken else None


def beat(transfer: Transfer, *, progress: int, total: int) -> None:
    """Say that its worker lives, and how far it is.

    Raises:
        Lost: it is someone else's.
    """
    _write(transfer, progress=progress, total=total, heartbeat_at=Now())


def note(transfer: Transfer, **values: Any) -> None:
    """Keep what must be known if it has to be taken up again. Needs the transaction of what it is about.

    Raises:
        Lost: it is someone else's, and that transaction must not be committed.
    """
    _write(transfer, **values)


def put_back(transfer: Transfer) -> None:
    """Let it wait again, as if it had not been tried: its worker was told to stop.

    Raises:
        Lost: it is someone else's.
    """
    _write(transfer, status=TransferStatus.QUEUED, attempts=F("attempts") - 1, heartbeat_at=None)


def finish(transfer: Transfer, *, status: TransferStatus, **values: Any) -> None:
    """Say what came of it.

    Raises:
        Lost: it is someone else's to say.
    """
    with transaction.atomic(durable=True):
        _write(transfer, status=status, finished_at=Now(), **values)
        _record_end(transfer.pk, transfer.created_by, status, values.get("summary", {}))


def fail_lost() -> int:
    """Give up those whose workers died as often as one is tried; return how many."""
    with transaction.atomic(durable=True):
        rows = _silent().filter(attempts__gte=MOST_ATTEMPTS)
        lost = list(rows.select_for_update().values_list("pk", "created_by"))
        for transfer_id, created_by in lost:
            Transfer.objects.filter(pk=transfer_id).update(
                status=TransferStatus.FAILED,
                finished_at=Now(),
                error=f"Its worker died {MOST_ATTEMPTS} times: part of it may have been done.",
            )
            _record_end(transfer_id, created_by, TransferStatus.FAILED, {})
    return len(lost)


def _record_end(
    transfer_id: UUID, created_by: UUID, status: TransferStatus, summary: Mapping[str, Any]
) -> None:
    audit.record(
        "transfer.finished",
        target_type="transfer",
        target_id=transfer_id,
        actor_id=created_by,
        status=status.value,
        **summary,
    )


def _write(transfer: Transfer, **values: Any) -> None:
    mine = Transfer.objects.filter(
        pk=transfer.pk, status=TransferStatus.RUNNING, attempts=transfer.attempts
    )
    if not mine.update(**values):
        raise Lost


def _waiting() -> QuerySet[Transfer]:
    queued = Transfer.objects.filter(status=TransferStatus.QUEUED)
    return (queued | _silent()).filter(attempts__lt=MOST_ATTEMPTS)


def _silent() -> QuerySet[Transfer]:
    return Transfer.objects.filter(status=TransferStatus.RUNNING, heartbeat_at__lt=_long_ago())


def _under_way() -> QuerySet[Transfer]:
    return Transfer.objects.filter(status=TransferStatus.RUNNING, heartbeat_at__gte=_long_ago())


def _long_ago() -> Any:
    """Return a time by the database's clock: the workers' own may differ."""
    return Now() - timedelta(seconds=STALE_SECONDS)
