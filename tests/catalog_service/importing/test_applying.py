"""Transactions: all or nothing, and what others write meanwhile."""

from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog_service.models import Category, Product, Stock
from apps.catalog_service.services import products
from apps.catalog_service.services.importing import applying
from tests.catalog_service import factories
from tests.catalog_service.importing.running import (
    HEADER,
    ROW,
    assert_consistent,
    assert_nothing,
    someone_waits,
    values_of,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestDryRun:
    def test_writes_nothing_and_prints_the_same_summary(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 2)
        factories.product(sku="X", slug="pot")
        path = csv_file(
            f"slug,{HEADER}pot,A,Pot,1,New\nnew,B,Pot,1,New\nnew,C,Pot,1,c\n,X,Pot,1,c\n,D,D,x,d\n"
        )
        before = [list(model.objects.values()) for model in (Product, Category, Stock)]
        dry = run(path, "--dry-run", "--on-hand", "3")
        assert dry.out[0] == "A dry run: nothing was written"
        assert [list(model.objects.values()) for model in (Product, Category, Stock)] == before
        real = run(path, "--on-hand", "3")
        assert dry.summary == real.summary == "1 created, 1 updated, 0 unchanged, 3 bad"
        assert dry.err == real.err
        assert_consistent()

    def test_leaves_no_event_and_no_movement(self, csv_file, run):
        run(csv_file(HEADER + ROW), "--dry-run", "--on-hand", "3")
        assert_nothing()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM aggregate_sequence")
            assert cursor.fetchone() == (0,)


class TestStrict:
    @pytest.mark.parametrize(
        "rows",
        [
            "A,a,1,c\nB,b,x,c\nC,c,1,c\n",  # found in the file
            "A,a,1,c\nB,b,1,men\nC,c,1,shoes\n",  # found in the database, after other batches
        ],
    )
    def test_leaves_nothing_where_a_row_is_bad(self, csv_file, run, monkeypatch, rows):
        monkeypatch.setattr(applying, "BATCH", 1)
        factories.category("Shoes", slug="a-shoes")
        factories.category("Shoes", slug="b-shoes")
        with pytest.raises(CommandError, match="A row is bad: nothing was imported, by --strict"):
            run(csv_file(HEADER + rows), "--strict")
        assert not Product.objects.exists()
        assert Category.objects.count() == 2

    def test_imports_all_where_none_is(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 1)
        path = csv_file(f"{HEADER}{ROW}A-2,Lamp,2,Light\n")
        assert run(path, "--strict").summary == "2 created, 0 updated, 0 unchanged, 0 bad"
        assert_consistent()

    def test_takes_part_in_a_dry_run(self, csv_file, run):
        path = csv_file(HEADER + ROW)
        assert run(path, "--strict", "--dry-run").summary == (
            "1 created, 0 updated, 0 unchanged, 0 bad"
        )
        assert_nothing()


class TestAnotherHand:
    """Someone else writes between the batch's look and its write."""

    @pytest.mark.parametrize("step", ["_arguments", "_insert"])
    def test_that_makes_the_same_sku_is_seen_and_the_product_updated(
        self, csv_file, run, at_once, monkeypatch, step
    ):
        interfere(monkeypatch, at_once, step, lambda: factories.product(sku="A-1", name="By hand"))
        assert run(csv_file(HEADER + ROW)).summary == "0 created, 1 updated, 0 unchanged, 0 bad"
        found = values_of("A-1")
        assert (found["name"], found["slug"]) == ("Tea pot", "by-hand")
        assert_consistent()

    @pytest.mark.parametrize("options", [(), ("--strict",)])
    def test_that_takes_the_slug_moves_the_import_to_another(
        self, csv_file, run, at_once, monkeypatch, options
    ):
        interfere(
            monkeypatch, at_once, "_insert", lambda: factories.product(sku="X", name="Tea pot")
        )
        summary = run(csv_file(HEADER + ROW), *options).summary
        assert summary == "1 created, 0 updated, 0 unchanged, 0 bad"
        assert values_of("A-1")["slug"] == "tea-pot-a-1"
        assert_consistent()

    @pytest.mark.parametrize("options", [(), ("--strict",)])
    def test_that_takes_the_category_away_has_it_made_anew(
        self, csv_file, run, at_once, monkeypatch, options
    ):
        factories.category("Kitchen")
        interfere(monkeypatch, at_once, "_insert", lambda: Category.objects.all().delete())
        assert (
            run(csv_file(HEADER + ROW), *options).summary
            == "1 created, 0 updated, 0 unchanged, 0 bad"
        )
        assert Category.objects.get().name == "Kitchen"

    def test_that_always_comes_between_ends_the_import(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(
            "apps.catalog_service.services.importing.naming.find_slugs",
            lambda new: {product.sku: "tea-pot" for product in new},
        )
        factories.product(sku="X", name="Tea pot")
        with pytest.raises(CommandError, match=r"The database failed \(duplicate key .*slug"):
            run(csv_file(HEADER + ROW))

    def test_that_changes_the_price_waits_for_the_batch(
        self, csv_file, run, monkeypatch, outbox_events
    ):
        run(csv_file(HEADER + ROW))
        lock = applying._lock_changed
        edits: list[Future[None]] = []
        with ThreadPoolExecutor(1) as pool:

            def lock_then_let_edit(arguments: Any) -> Any:
                locked = lock(arguments)
                edits.append(pool.submit(edit_price))
                wait_until(lambda: edits[0].done() or someone_waits())
                return locked

            monkeypatch.setattr(applying, "_lock_changed", lock_then_let_edit)
            run(csv_file(HEADER + ROW.replace("19.90", "25")))
        assert [edit.result() for edit in edits] == [None]
        prices = [(e.data["old_price"], e.data["new_price"]) for e in outbox_events()[1:]]
        assert prices == [("19.90", "25.00"), ("25.00", "30.00")]

    def test_that_buys_at_the_same_time_keeps_its_reservation(self, csv_file, run, order):
        product = factories.product(5, sku="A-1", name="Tea pot")
        assert factories.reserve(order, ("A-1", 2)).status_code == 201
        run(csv_file(HEADER + ROW), "--on-hand", "9")
        assert factories.stock_of(product) == factories.ledger_of(product) == (5, 2)


def edit_price() -> None:
    try:
        products.update_product(slug="tea-pot", values={"price": Decimal("30.00")}, by=None)
    finally:
        connection.close()


def interfere(monkeypatch: Any, at_once: Any, step: str, act: Any) -> None:
    """Let someone act, on a connection of their own, just before a step of the first batch."""
    go_on = getattr(applying, step)
    acted: list[bool] = []

    def act_first(*args: Any, **options: Any) -> Any:
        if not acted:
            acted.append(True)
            (result,) = at_once(act)
            assert not isinstance(result, Exception), result
        return go_on(*args, **options)

    monkeypatch.setattr(applying, step, act_first)


class TestSeveralBatches:
    def test_take_few_statements_each(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 50)
        counts = []
        for rows in (100, 300):
            text = "".join(f"{rows}-{n},P {rows} {n},1,c\n" for n in range(rows))
            with CaptureQueriesContext(connection) as queries:
                run(csv_file(HEADER + text))
            counts.append(len(queries))
        assert (counts[1] - counts[0]) / 4 <= 20
