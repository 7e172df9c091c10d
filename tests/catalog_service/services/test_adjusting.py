"""Stock by a CSV file, as the command runs it."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.catalog_service.models import StockMovement
from apps.catalog_service.services.stock import MOST_ON_HAND, adjusting
from chassis.models import AuditEntry
from tests.catalog_service.factories import ledger_of, product, reserve, stock_of

pytestmark = pytest.mark.django_db

Adjust = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def adjust(tmp_path: Path) -> Adjust:
    """Return a function that runs the command on a text, and returns the lines of stdout and stderr.

    The command fails where rows are bad.
    """

    def run(text: str, *options: str) -> tuple[list[str], list[str]]:
        file = tmp_path / "count.csv"
        file.write_text(text)
        out, err = StringIO(), StringIO()
        failed = False
        try:
            call_command("adjust_stock", str(file), *options, stdout=out, stderr=err)
        except CommandError as error:
            if not str(error).endswith("left out."):
                raise
            failed = True
        assert failed != out.getvalue().endswith(" 0 bad\n")
        return out.getvalue().splitlines(), err.getvalue().splitlines()

    return run


class TestFile:
    def test_adds_takes_away_and_counts(self, adjust):
        added, taken, counted, same = (product(5, sku=sku) for sku in "ABCD")
        text = "sku,quantity,on_hand,reason\nA,3,,delivery\nB,-2,,\nC,,12,\nD,,5,\n"
        assert adjust(text) == (["3 adjusted, 1 unchanged, 0 bad"], [])
        for made, expected in [(added, 8), (taken, 3), (counted, 12), (same, 5)]:
            assert stock_of(made) == ledger_of(made) == (expected, 0)
        movements = StockMovement.objects.filter(actor="adjust_stock").order_by("product__sku")
        assert list(movements.values_list("kind", "on_hand", "reason")) == [
            ("adjusted", 3, "delivery"),
            ("adjusted", -2, "Adjustment by count.csv"),
            ("adjusted", 7, "Adjustment by count.csv"),
        ]
        entry = AuditEntry.objects.get(target_type="file")
        assert (entry.action, entry.target_id, entry.actor_id, entry.details) == (
            "stock.adjusted",
            "count.csv",
            None,
            {"products": 3},
        )

    def test_of_counts_changes_nothing_the_second_time(self, adjust):
        made = product(5, sku="A")
        for expected in ("1 adjusted, 0 unchanged, 0 bad", "0 adjusted, 1 unchanged, 0 bad"):
            assert adjust("sku,on_hand\nA,9\n")[0] == [expected]
        assert stock_of(made) == ledger_of(made) == (9, 0)

    def test_leaves_bad_rows_out(self, adjust, order):
        made, full = product(5, sku="A"), product(MOST_ON_HAND, sku="B")
        reserve(order, ("A", 3))
        rows = [
            ("A,-3,", "2 pieces would be left of A, of which 3 are reserved"),
            ("A,,2", "2 pieces would be left of A, of which 3 are reserved"),
            ("B,1,", f"no more than {MOST_ON_HAND} pieces can be on hand"),
            ("NONE,1,", "there is no product NONE"),
            (",1,", "sku is missing"),
            ("A,,", "give either quantity or on_hand"),
            ("A,1,1", "give either quantity or on_hand"),
            ("A,1.5,", f"quantity must be a whole number from -{MOST_ON_HAND} to {MOST_ON_HAND}"),
            ("A,,-1", f"on_hand must be a whole number from 0 to {MOST_ON_HAND}"),
            ("A", "has 1 cells where the header has 3"),
        ]
        text = "\n".join(["sku,quantity,on_hand", *(row for row, _ in rows), "A,-2,"])
        out, err = adjust(text)
        assert out == [f"1 adjusted, 0 unchanged, {len(rows)} bad"]
        by_number = sorted(err, key=lambda line: int(line.removeprefix("row ").partition(":")[0]))
        assert by_number == [f"row {n}: {why}" for n, (_, why) in enumerate(rows, start=2)]
        assert stock_of(made) == ledger_of(made) == (3, 3)
        assert stock_of(full) == (MOST_ON_HAND, 0)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [(1, "1 row is bad and was left out."), (3, "3 rows are bad and were left out.")],
    )
    def test_ends_with_exit_code_1_where_rows_were_left_out(self, tmp_path, bad, message):
        made = product(5, sku="A")
        file = tmp_path / "count.csv"
        file.write_text("sku,quantity\nA,1\n" + "NONE,1\n" * bad)
        out = StringIO()
        with pytest.raises(CommandError) as raised:
            call_command("adjust_stock", str(file), stdout=out, stderr=StringIO())
        assert (str(raised.value), raised.value.returncode) == (message, 1)
        assert out.getvalue() == f"1 adjusted, 0 unchanged, {bad} bad\n"
        assert stock_of(made) == ledger_of(made) == (6, 0)

    def test_applies_rows_of_one_sku_one_after_the_other(self, adjust):
        made = product(5, sku="A")
        out, err = adjust("sku;quantity;on_hand\nA;-6;\nA;;2\nA;4;\nA;-5;\n")
        assert out == ["3 adjusted, 0 unchanged, 1 bad"]
        assert [line.partition(":")[0] for line in err] == ["row 2"]
        assert stock_of(made) == ledger_of(made) == (1, 0)

    def test_may_be_longer_than_a_batch(self, adjust, monkeypatch):
        monkeypatch.setattr(adjusting, "_BATCH", 2)
        made = [product(1, sku=sku) for sku in "ABCDE"]
        text = "sku,quantity\n" + "".join(f"{p.sku},2\n" for p in made)
        assert adjust(text)[0] == ["5 adjusted, 0 unchanged, 0 bad"]
        assert {stock_of(p) for p in made} == {(3, 0)}

    def test_may_be_tried_first(self, adjust):
        made = product(5, sku="A")
        out, _ = adjust("sku,quantity\nA,2\n", "--dry-run")
        assert out == ["A dry run: nothing was written", "1 adjusted, 0 unchanged, 0 bad"]
        assert stock_of(made) == ledger_of(made) == (5, 0)
        assert not AuditEntry.objects.filter(target_type="file").exists()

    def test_may_have_columns_of_other_names(self, adjust):
        made = product(5, sku="A")
        adjust("Item,Counted\nA,7\n", "--map", "sku=Item,on_hand=Counted", "--reason", "June")
        assert stock_of(made) == (7, 0)
        assert StockMovement.objects.get(actor="adjust_stock").reason == "June"


class TestFileThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("text", "options", "message"),
        [
            ("quantity\n1\n", (), 'The file has no column "sku"'),
            ("sku,quantity\nNONE,1\n", (), "Every row is bad: nothing was adjusted."),
            ("sku,quantity\nA,1\n", ("--map", "price=P"), 'An adjustment has no field "price"'),
            ("sku,quantity\nA,1\n", ("--reason", "R" * 201), "--reason must be at most 200"),
        ],
    )
    def test_is_refused_in_a_sentence(self, adjust, text, options, message):
        with pytest.raises(CommandError, match=message):
            adjust(text, *options)

    def test_changes_nothing_where_its_end_is_broken(self, adjust, tmp_path, monkeypatch):
        monkeypatch.setattr(adjusting, "_BATCH", 1)
        made = product(5, sku="A")
        file = tmp_path / "broken.csv"
        file.write_bytes(b"sku,quantity\nA,1\nA,1\nA\xff,1\n")
        with pytest.raises(CommandError, match="is not UTF-8"):
            call_command("adjust_stock", str(file))
        assert stock_of(made) == ledger_of(made) == (5, 0)
