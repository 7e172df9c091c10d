"""Running a transfer: what each kind does, and what becomes of it when that fails."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from django.core.files import File

from apps.catalog_service.models import Transfer, TransferKind, TransferStatus
from apps.catalog_service.services import exporting, importing, stock
from apps.catalog_service.services.exporting import Selection
from apps.catalog_service.services.transfers import claiming, files
from apps.catalog_service.services.transfers.claiming import Lost
from apps.catalog_service.services.transfers.watching import Stopped, Watch
from chassis import context
from chassis.database import is_unavailable
from chassis.errors import PublicError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a transfer: counts and unread columns, where its result is, why it counts as failed."""

    summary: Mapping[str, Any]
    stored_name: str = ""
    error: str = ""


def run(transfer_id: UUID, is_stopping: Callable[[], bool]) -> None:
    """Do what a transfer says, unless it is done, someone is at it, or another one is under way.

    It may be called again after a crash at any place: an import changes nothing twice, a file of
    adjustments goes on behind the last row that was applied, an export is written anew. Needs no
    transaction.

    Raises:
        OperationalError, InterfaceError: the database is away; the transfer is tried again later.
    """
    transfer = claiming.claim(transfer_id)
    if transfer is None:
        return
    log.info("transfer_begun", transfer=str(transfer_id), kind=transfer.kind)
    with Watch(transfer, is_stopping) as watch:
        try:
            _end(transfer, watch, _outcome(transfer, watch))
        except Stopped:
            claiming.put_back(transfer)
            log.info("transfer_put_back", transfer=str(transfer_id))
        except Lost:
            log.warning("transfer_lost", transfer=str(transfer_id))


def _outcome(transfer: Transfer, watch: Watch) -> Outcome:
    """Return what came of it; a failure that is nobody's fault but ours has its trace in the log."""
    try:
        with tempfile.TemporaryDirectory(prefix="souk-transfer-") as folder:
            return _WORK[TransferKind(transfer.kind)](transfer, watch, Path(folder))
    except (Stopped, Lost):
        raise
    except importing.UnusableFile as error:
        return Outcome({}, error=str(error))
    except importing.RowRefused:
        return Outcome({"bad": 1}, error="A row is bad: nothing was imported.")
    except PublicError as error:
        return Outcome({}, error=str(error))
    except FileNotFoundError:
        return Outcome({}, error="The file is not in the storage any more.")
    except Exception as error:
        if is_unavailable(error):
            raise
        log.exception("transfer_failed", transfer=str(transfer.pk))
        request_id = context.current().request_id
        return Outcome(
            {}, error=f"It failed for a reason of our own; the log has it ({request_id})."
        )


def _end(transfer: Transfer, watch: Watch, outcome: Outcome) -> None:
    status = TransferStatus.FAILED if outcome.error else TransferStatus.DONE
    kept = {"stored_name": outcome.stored_name} if outcome.stored_name else {}
    claiming.finish(
        transfer,
        status=status,
        summary=dict(outcome.summary),
        refusals=watch.refusals,
        error=outcome.error,
        **kept,
    )
    log.info("transfer_finished", transfer=str(transfer.pk), status=status.value)


# What each kind does


def _import_products(transfer: Transfer, watch: Watch, folder: Path) -> Outcome:
    """Options: form, mapping, on_hand, strict, dry_run (see importing.import_products)."""
    options = transfer.options
    summary = importing.import_products(
        _fetched(transfer, folder),
        form=options["form"],
        mapping=options["mapping"],
        listener=watch,
        on_hand=options["on_hand"],
        strict=options["strict"],
        dry_run=options["dry_run"],
        actor=f"user:{transfer.created_by}",
    )
    good = summary.created or summary.updated or summary.unchanged
    error = "Every row is bad: nothing was imported." if summary.bad and not good else ""
    return Outcome(asdict(summary), error=error)


def _adjust_stock(transfer: Transfer, watch: Watch, folder: Path) -> Outcome:
    """Options: reason, dry_run (see stock.adjust_from_file).

    How far it is, and what came of the rows so far, is noted in the transaction of each batch.
    """

    def note(row: int, summary: stock.Summary) -> None:
        claiming.note(
            transfer, position=row, summary=asdict(summary), refusals=list(watch.refusals)
        )

    summary = stock.adjust_from_file(
        _fetched(transfer, folder),
        listener=watch,
        actor=f"user:{transfer.created_by}",
        by=transfer.created_by,
        name=transfer.file_name,
        reason=transfer.options["reason"],
        dry_run=transfer.options["dry_run"],
        after=transfer.position,
        summary=stock.Summary(**transfer.summary),
        note=note,
    )
    done = summary.adjusted or summary.unchanged
    error = "Every row is bad: nothing was adjusted." if summary.bad and not done else ""
    return Outcome(asdict(summary), error=error)


def _export_products(transfer: Transfer, watch: Watch, folder: Path) -> Outcome:
    """Options: category, statuses, perhaps skus (see exporting.Selection), for_spreadsheets."""
    options = transfer.options
    selection = Selection(
        category=options["category"],
        statuses=options["statuses"],
        skus=options.get("skus", ()),
    )
    total, done = exporting.count_products(selection), 0
    path = folder / "result"
    with path.open("w", encoding="utf-8", newline="") as file:
        for done in exporting.write_products(
            file, selection, for_spreadsheets=options["for_spreadsheets"]
        ):
            watch.tell(done, max(done, total))
    with path.open("rb") as written:
        # Of its own for each attempt: one that is taken for dead must not write into another's.
        name = f"{transfer.folder}/result-{transfer.attempts}"
        stored = files.keep(name, File(written))
    return Outcome({"exported": done}, stored_name=stored)


def _fetched(transfer: Transfer, folder: Path) -> Path:
    """Return the uploaded file as one of this machine, named by the transfer's id."""
    return files.fetch(transfer.stored_name, folder / str(transfer.pk))


_WORK: Final[Mapping[TransferKind, Callable[[Transfer, Watch, Path], Outcome]]] = {
    TransferKind.IMPORT_PRODUCTS: _import_products,
    TransferKind.ADJUST_STOCK: _adjust_stock,
    TransferKind.EXPORT_PRODUCTS: _export_products,
}
