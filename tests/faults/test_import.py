"""Imports that are killed, run at once, or long."""

import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from apps.catalog_service.models import Product
from apps.catalog_service.services import products
from tests.catalog_service.importing.running import (
    assert_consistent,
    assert_nothing,
    finish,
    start,
    wait_until,
    write_many,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestKilled:
    def test_leaves_whole_batches_and_completes_when_run_again(self, tmp_path):
        path = write_many(tmp_path / "many.csv", 12_000)
        process = start(path, "--on-hand", "3")
        try:
            wait_until(lambda: Product.objects.exists() or process.poll() is not None)
        finally:
            process.kill()
            finish(process)
        wait_until(nobody_imports)
        left = Product.objects.count()
        assert 0 < left < 12_000
        assert left % 1000 == 0
        assert_consistent()
        code, (out, _) = finish(start(path, "--on-hand", "3"))
        assert (code, out) == (0, [f"{12_000 - left} created, 0 updated, {left} unchanged, 0 bad"])
        assert_consistent()

    def test_leaves_nothing_under_strict(self, tmp_path):
        path = write_many(tmp_path / "many.csv", 12_000)
        process = start(path, "--strict")
        try:
            wait_until(lambda: batches_under_way() or process.poll() is not None)
            assert process.poll() is None
        finally:
            process.kill()
            finish(process)
        wait_until(nobody_imports)
        assert_nothing()


def batches_under_way() -> bool:
    """Tell whether an import has written to the outbox in a transaction not yet committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'outbox'::regclass"
            " AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])


def nobody_imports() -> bool:
    """Tell whether the server has noticed that the client is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state IS NOT NULL)"
        )
        return bool(cursor.fetchone()[0])


def deadlocks() -> int:
    """Return how many the server has counted in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


class TestTwoAtOnce:
    def test_complete_without_a_deadlock(self, tmp_path):
        first = write_many(tmp_path / "first.csv", 3000)
        second = tmp_path / "second.csv"
        lines = write_many(second, 3000, price="2.00", first=1500).read_text().splitlines()
        # The same products, the other way round.
        second.write_text("\n".join([lines[0], *reversed(lines[1:])]))
        deadlocks_before = deadlocks()
        running = [start(path, "--on-hand", "2") for path in (first, second)]
        results = [finish(process) for process in running]
        assert [code for code, _ in results] == [0, 0], results
        created = sum(int(outcome.summary.split()[0]) for _, outcome in results)
        assert created == Product.objects.count() == 4500
        assert Product.objects.values("category").distinct().count() == 5
        assert_consistent()
        assert deadlocks() == deadlocks_before

    def test_with_edits_by_the_api_lose_neither(self, tmp_path):
        path = write_many(tmp_path / "many.csv", 2000)
        assert finish(start(path))[0] == 0
        process = start(write_many(tmp_path / "again.csv", 2000, price="2.00"))
        edits = 0
        while process.poll() is None:
            values = {"description": f"Edit {edits}"}
            products.update_product(slug=f"product-{edits % 2000}", values=values, by=None)
            edits += 1
        code, (out, _) = finish(process)
        assert (code, out) == (0, ["0 created, 2000 updated, 0 unchanged, 0 bad"])
        assert edits
        assert Product.objects.filter(price=Decimal("2.00")).count() == 2000
        assert Product.objects.exclude(description="").count() == min(edits, 2000)
        assert_consistent()


class TestLongOne:
    def test_takes_little_memory_more_for_ten_times_the_rows(self, tmp_path):
        few, many = (
            peak_memory(write_many(tmp_path / f"{count}.csv", count)) for count in (1500, 15_000)
        )
        assert many - few < 5 * 1024 * 1024


def peak_memory(path: Path) -> int:
    """Return how many bytes a dry run of an import needed at most."""
    process = start(path, "--dry-run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024
