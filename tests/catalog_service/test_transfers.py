"""Transfers: kept, claimed by one worker, run, and what a crash at any place leaves."""

import io
import logging
from datetime import timedelta
from functools import partial
from typing import cast

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.catalog_service.models import Product, StockMovement, Transfer, TransferKind
from apps.catalog_service.services import importing, transfers
from apps.catalog_service.services.stock import adjusting
from apps.catalog_service.services.transfers import claiming, watching
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.catalog_service import factories
from tests.catalog_service.importing.running import HEADER, wait_until

pytestmark = pytest.mark.usefixtures("private_files")

STAFF = uuid7()
GOOD = f"{HEADER}A-1,Tea pot,19.90,Kitchen\nB-1,Cup,4.50,Kitchen\n"
BAD = f"{GOOD}C-1,Jug,dear,Kitchen\n"


@pytest.fixture
def no_heartbeat(monkeypatch):
    """Keep the second connection away from what the test does not commit."""
    monkeypatch.setattr(watching, "BEAT_SECONDS", 3600)


def never():
    return False


def start_import(text=GOOD, **options):
    """Queue an import of products."""
    return transfers.start(
        TransferKind.IMPORT_PRODUCTS,
        by=STAFF,
        file=ContentFile(text.encode()),
        file_name="mine.csv",
        options={"form": "csv", "mapping": {}, "on_hand": 0, "strict": False, "dry_run": False}
        | options,
    )


def start_adjustment(*lines, header="sku,quantity", **options):
    """Queue an adjustment of stock."""
    return transfers.start(
        TransferKind.ADJUST_STOCK,
        by=STAFF,
        file=ContentFile("\n".join([header, *lines]).encode()),
        file_name="count.csv",
        options={"reason": "", "dry_run": False} | options,
    )


def start_export(**options):
    """Queue an export of products."""
    return transfers.start(
        TransferKind.EXPORT_PRODUCTS,
        by=STAFF,
        file_name="products.csv",
        options={"category": "", "statuses": [], "for_spreadsheets": False} | options,
    )


def ran(transfer):
    """Run a transfer as a worker does; return its row."""
    transfers.run(transfer.pk, never)
    transfer.refresh_from_db()
    return transfer


def content_of(transfer):
    """Return what the private storage has of a transfer."""
    with storages["private"].open(transfer.stored_name) as file:
        return file.read()


def fall_silent(transfer, *, attempts=1):
    """Leave a transfer as a worker does that is killed."""
    Transfer.objects.filter(pk=transfer.pk).update(
        status="running",
        attempts=attempts,
        heartbeat_at=timezone.now() - timedelta(seconds=claiming.STALE_SECONDS + 1),
    )


class Killed(BaseException):
    """Nothing of ours catches it, as nothing of ours runs after kill -9."""


@pytest.mark.django_db
class TestStart:
    def test_keeps_the_file_by_the_transfers_id_and_notes_who(self):
        transfer = transfers.start(
            TransferKind.IMPORT_PRODUCTS,
            by=STAFF,
            file=ContentFile(b"x"),
            file_name="../../etc/<b>\x00\n.csv",
        )
        assert transfer.stored_name == f"transfers/{transfer.pk}/upload"
        assert content_of(transfer) == b"x"
        row = Transfer.objects.get()
        assert (row.status, row.file_name, row.created_by) == ("queued", "../../etc/<b>.csv", STAFF)
        entry = AuditEntry.objects.get(action="transfer.started")
        assert (entry.target_id, entry.actor_id) == (str(transfer.pk), STAFF)

    def test_leaves_no_file_without_a_row(self):
        with pytest.raises(IntegrityError):
            transfers.start(cast("TransferKind", "nothing"), by=STAFF, file=ContentFile(b"x"))
        (folder,) = storages["private"].listdir("transfers")[0]
        assert storages["private"].listdir(f"transfers/{folder}") == ([], [])


@pytest.mark.django_db
class TestNextWaiting:
    def test_is_the_oldest_unless_one_is_under_way(self):
        assert transfers.next_waiting() is None
        first, second = start_export(), start_export()
        assert transfers.next_waiting() == first.pk
        claimed = claiming.claim(second.pk)
        assert claimed is not None
        assert claimed.attempts == 1
        assert transfers.next_waiting() is None
        assert claiming.claim(first.pk) is None
        fall_silent(second)
        assert transfers.next_waiting() == first.pk

    def test_is_one_whose_worker_fell_silent_until_it_died_three_times(self):
        transfer = start_export()
        fall_silent(transfer, attempts=2)
        assert transfers.next_waiting() == transfer.pk
        assert transfers.fail_lost() == 0
        fall_silent(transfer, attempts=3)
        assert transfers.next_waiting() is None
        assert transfers.fail_lost() == 1
        transfer.refresh_from_db()
        assert (transfer.status, transfer.error) == (
            "failed",
            "Its worker died 3 times: part of it may have been done.",
        )
        assert transfer.finished_at
        assert AuditEntry.objects.get(action="transfer.finished").details == {"status": "failed"}


@pytest.mark.django_db(transaction=True)
class TestClaim:
    def test_is_had_by_one_of_many_and_one_transfer_at_a_time(self, at_once):
        several = [start_export(), start_export()]
        claims = [partial(claiming.claim, several[number % 2].pk) for number in range(6)]
        got = [claim for claim in at_once(*claims) if claim is not None]
        assert len(got) == 1
        assert [row.status for row in Transfer.objects.order_by("status")] == ["queued", "running"]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_heartbeat")
class TestRun:
    def test_imports_and_tells_what_came_of_it(self):
        transfer = ran(start_import(BAD, on_hand=3))
        assert (transfer.status, transfer.error, transfer.attempts) == ("done", "", 1)
        assert transfer.summary == {
            "created": 2,
            "updated": 0,
            "unchanged": 0,
            "bad": 1,
            "superseded": 0,
            "unread": [],
        }
        assert transfer.refusals == [
            {
                "row": 4,
                "reason": 'price must be an amount such as 19.90 with at most two decimals, not "dear"',
            }
        ]
        assert Product.objects.count() == 2
        assert {move.actor for move in StockMovement.objects.all()} == {f"user:{STAFF}"}
        entry = AuditEntry.objects.get(action="transfer.finished")
        assert (entry.actor_id, entry.details["created"]) == (STAFF, 2)
        transfers.run(transfer.pk, never)
        assert Transfer.objects.get().attempts == 1

    @pytest.mark.parametrize(
        ("text", "options", "error"),
        [
            (BAD, {"strict": True}, "A row is bad: nothing was imported."),
            ("sku,name\nA,a\n", {}, 'The file has no column "price"'),
            (b"\xff".decode("latin-1"), {}, 'The file has no column "sku"'),
            (f"{HEADER}A,,x,c\n", {}, "Every row is bad: nothing was imported."),
        ],
    )
    def test_says_in_a_sentence_why_nothing_was_imported(self, text, options, error):
        transfer = ran(start_import(text, **options))
        assert transfer.status == "failed"
        assert transfer.error.startswith(error)
        assert not Product.objects.exists()

    def test_keeps_the_first_hundred_refusals(self):
        transfer = ran(start_import(HEADER + "A,a,x,c\n" * 120 + "B,b,1,c\n"))
        assert (transfer.summary["bad"], len(transfer.refusals)) == (120, 100)

    def test_shows_the_trace_of_our_own_failures_to_the_log_alone(self, monkeypatch, caplog):
        monkeypatch.setattr(importing, "import_products", lambda *_, **__: 1 / 0)
        transfer = ran(start_import())
        assert transfer.status == "failed"
        assert transfer.error.startswith("It failed for a reason of our own; the log has it (")
        (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert "ZeroDivisionError" in str(record.exc_info)

    def test_exports_to_the_private_storage(self):
        factories.product(sku="A-1")
        factories.product(sku="B-1", status="draft")
        transfer = ran(start_export(statuses=["draft"]))
        assert (transfer.status, transfer.summary) == ("done", {"exported": 1})
        assert (transfer.progress, transfer.total) == (0, 0)  # it took less than a heartbeat
        lines = content_of(transfer).decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["sku", "B-1"]

    def test_fails_where_the_category_is_gone(self):
        transfer = ran(start_export(category="gone"))
        assert (transfer.status, transfer.error) == ("failed", "No category is called gone")

    def test_gives_it_back_when_told_to_stop(self):
        transfer = start_import()
        transfers.run(transfer.pk, lambda: True)
        transfer.refresh_from_db()
        assert (transfer.status, transfer.attempts, transfer.heartbeat_at) == ("queued", 0, None)
        assert not Product.objects.exists()
        assert ran(transfer).status == "done"


@pytest.mark.django_db(transaction=True)
class TestHeartbeat:
    def test_is_seen_from_outside_of_its_transaction(self, monkeypatch):
        monkeypatch.setattr(watching, "BEAT_SECONDS", 0.01)

        def slow(_path, *, listener, **_):
            with transaction.atomic():
                # Another transaction's commit is what this one may see (READ COMMITTED).
                listener.read(30, 50)
                wait_until(lambda: Transfer.objects.filter(progress=30, total=100).exists())
                listener.applied(1, 2)
                wait_until(lambda: Transfer.objects.filter(progress=75, total=100).exists())
            return importing.Summary(created=1)

        monkeypatch.setattr(importing, "import_products", slow)
        assert ran(start_import()).status == "done"

    def test_tells_when_another_worker_took_over(self, monkeypatch):
        monkeypatch.setattr(watching, "BEAT_SECONDS", 0.01)
        seen = []

        def paused(_path, *, listener, **_):
            Transfer.objects.update(attempts=2)
            wait_until(lambda: listener._lost)
            try:
                listener.read(1, 2)
            except claiming.Lost:
                seen.append("lost")
                raise

        monkeypatch.setattr(importing, "import_products", paused)
        assert ran(start_import()).status == "running"
        assert seen == ["lost"]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_heartbeat")
class TestKilled:
    def test_import_is_run_again_whole(self, monkeypatch):
        transfer = start_import(BAD)
        with monkeypatch.context() as patch:
            patch.setattr(claiming, "finish", raise_killed)
            with pytest.raises(Killed):
                transfers.run(transfer.pk, never)
        fall_silent(transfer)
        assert ran(transfer).status == "done"
        assert (transfer.attempts, transfer.summary["unchanged"]) == (2, 2)
        assert len(transfer.refusals) == 1

    def test_tells_which_columns_it_does_not_read(self):
        factories.product(sku="S-1")
        imports = ran(start_import(f"{HEADER.strip()},on_hand\nA-1,Pot,1,Kitchen,5\n"))
        assert (imports.status, imports.summary["unread"]) == ("done", ["on_hand"])
        adjusts = ran(start_adjustment("S-1,1,x", header="sku,quantity,note"))
        assert (adjusts.status, adjusts.summary["unread"]) == ("done", ["note"])

    @pytest.mark.parametrize("at", ["in the second batch", "behind it", "at the end"])
    def test_adjustment_counts_each_row_once(self, monkeypatch, at):
        made = [factories.product(sku=f"S-{number}") for number in range(5)]
        monkeypatch.setattr(adjusting, "_BATCH", 2)
        lines = [f"S-{number},{number + 1}" for number in range(5)]
        transfer = start_adjustment("NO-1,1", *lines[:3], "S-0,x", *lines[3:])
        with monkeypatch.context() as patch:
            if at == "in the second batch":
                kill_at_second(patch, claiming, "note")
            elif at == "behind it":
                kill_at_second(patch, watching.Watch, "applied")
            else:
                patch.setattr(claiming, "finish", raise_killed)
            with pytest.raises(Killed):
                transfers.run(transfer.pk, never)
        fall_silent(transfer)
        assert ran(transfer).status == "done"
        assert [factories.stock_of(one)[0] for one in made] == [1, 2, 3, 4, 5]
        assert StockMovement.objects.count() == 5
        assert transfer.summary == {"adjusted": 5, "unchanged": 0, "bad": 2, "unread": []}
        assert [refusal["row"] for refusal in transfer.refusals] == [2, 6]
        assert transfer.position == 8

    def test_adjustment_of_one_taken_for_dead_is_taken_back(self, monkeypatch):
        made = [factories.product(sku=f"S-{number}") for number in range(4)]
        monkeypatch.setattr(adjusting, "_BATCH", 2)
        transfer = start_adjustment(*(f"S-{number},1" for number in range(4)))
        applied = watching.Watch.applied

        def paused(watch, rows, total):
            applied(watch, rows, total)
            Transfer.objects.update(attempts=2)

        monkeypatch.setattr(watching.Watch, "applied", paused)
        transfers.run(transfer.pk, never)
        assert [factories.stock_of(one)[0] for one in made] == [1, 1, 0, 0]
        assert Transfer.objects.get().position == 3

    def test_export_is_written_anew(self, monkeypatch):
        factories.product()
        transfer = start_export()
        with monkeypatch.context() as patch:
            patch.setattr(claiming, "finish", raise_killed)
            with pytest.raises(Killed):
                transfers.run(transfer.pk, never)
        fall_silent(transfer)
        assert ran(transfer).stored_name == f"{transfer.folder}/result-2"


def raise_killed(*_args, **_options):
    raise Killed


def kill_at_second(patch, owner, name):
    """Let the second call of a function do what it does, and be the last that is done."""
    real, calls = getattr(owner, name), []

    def call(*args, **options):
        real(*args, **options)
        calls.append(args)
        if len(calls) == 2:
            raise Killed

    patch.setattr(owner, name, call)


@pytest.mark.django_db
class TestDeleteOld:
    def test_takes_rows_and_files_that_are_over_for_30_days(self):
        now = timezone.now()
        old, young, waiting = start_import(), start_import(), start_import()
        lost = start_export()
        Transfer.objects.exclude(pk=waiting.pk).update(status="done")
        Transfer.objects.exclude(pk=young.pk).update(created_at=now - timedelta(days=31))
        storages["private"].save(f"{old.folder}/result-1", io.BytesIO(b"x"))
        assert transfers.delete_old(now=now) == 2
        assert transfers.delete_old(now=now) == 0
        assert {row.pk for row in Transfer.objects.all()} == {young.pk, waiting.pk}
        kept = storages["private"].listdir("transfers")[0]
        assert sorted(kept) == sorted(str(one.pk) for one in (young, waiting))
        assert str(lost.pk) not in kept
