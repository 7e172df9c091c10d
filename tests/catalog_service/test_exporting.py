"""Products out as a CSV, and in again."""

import csv
import io
import os
import sys
import tracemalloc
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog_service.errors import UnknownCategory
from apps.catalog_service.models import Category, Product, ProductStatus
from apps.catalog_service.services import exporting
from apps.catalog_service.services.exporting import COLUMNS, Selection
from tests.catalog_service import factories
from tests.catalog_service.importing.running import values_of, write_many

pytestmark = pytest.mark.django_db


def exported(selection=None, **options):
    """Return the lines of an export, each a dictionary of texts."""
    file = io.StringIO(newline="")
    for _ in exporting.write_products(file, selection or Selection(), **options):
        pass
    file.seek(0)
    return list(csv.DictReader(file))


def imported(path):
    """Import a file; return the command's last line."""
    out = io.StringIO()
    call_command("import_products", str(path), stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()[-1]


def awkward():
    """Make products that a careless export would not bring back."""
    factories.category("Tea leaves", slug="tea")
    factories.category("TEA", slug="hot-drinks")  # what an import looks for first
    texts = [
        "=1+1",
        "+49 30",
        "-5 °C",
        "@home",
        "'quoted",
        '"a"; b,c',
        "one\r\ntwo\nthree\rfour",
        "ß 茶 🫖",
    ]
    for number, text in enumerate(texts):
        factories.product(
            sku=f"A-{number}",
            name=text,
            description=f"{text}\n\n{text}",
            category=("tea", "hot-drinks")[number % 2],
            status=ProductStatus.values[number % 3],
            image_url="https://example.com/a,b.png" if number % 2 else "",
            attributes={"text": text, "exact": 0.1, "deep": {"list": [1, None, True]}},
        )
    Product.objects.filter(sku="A-0").update(price=Decimal("9999999999.99"))


class TestWriteProducts:
    def test_writes_what_an_import_takes_back_unchanged(self, tmp_path):
        awkward()
        before = {p.sku: values_of(p.sku) for p in Product.objects.all()}
        path = tmp_path / "all.csv"
        call_command("export_products", str(path), stderr=io.StringIO())
        assert imported(path) == "0 created, 0 updated, 8 unchanged, 0 bad"
        assert {sku: values_of(sku) for sku in before} == before
        assert Category.objects.count() == 2

    def test_writes_stock_last_which_an_import_does_not_read(self):
        made = factories.product(on_hand=7)
        (line,) = exported()
        assert list(line) == [*COLUMNS]
        assert COLUMNS[-3:] == ("on_hand", "reserved", "available")
        assert (line["sku"], line["on_hand"], line["reserved"], line["available"]) == (
            made.sku,
            "7",
            "0",
            "7",
        )

    def test_keeps_each_digit_of_an_attribute(self):
        made = factories.product()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE product SET attributes = %s WHERE id = %s",
                ['{"n": 1.10, "big": 12345678901234567890}', made.pk],
            )
        assert exported()[0]["attributes"] == '{"n": 1.10, "big": 12345678901234567890}'

    def test_disarms_formulas_for_spreadsheets_alone(self):
        for number, name in enumerate(("=1+1", "+1", "-1", "@a", "a=b")):
            factories.product(sku=f"A-{number}", name=name)
        assert [line["name"] for line in exported()] == ["=1+1", "+1", "-1", "@a", "a=b"]
        lines = exported(for_spreadsheets=True)
        assert [line["name"] for line in lines] == ["'=1+1", "'+1", "'-1", "'@a", "a=b"]
        assert next(iter(lines[0])) == "\ufeffsku"

    def test_takes_a_category_with_all_below_it_and_statuses(self):
        factories.category("Lamps", slug="lamps")
        factories.category("Desk lamps", slug="desk", parent="lamps")
        factories.category("Rugs", slug="rugs")
        skus = {
            (slug, status): factories.product(category=slug, status=status).sku
            for slug in ("lamps", "desk", "rugs")
            for status in ("active", "draft")
        }
        below = exported(Selection(category="lamps"))
        assert sorted(line["sku"] for line in below) == sorted(
            sku for (slug, _), sku in skus.items() if slug != "rugs"
        )
        (line,) = exported(Selection(category="desk", statuses=["draft"]))
        assert line["sku"] == skus["desk", "draft"]
        assert exporting.count_products(Selection(category="lamps")) == 4
        (line,) = exported(Selection(skus=[skus["rugs", "active"]]))
        assert line["category"] == "rugs"

    def test_refuses_a_category_that_is_none_before_it_writes(self):
        file = io.StringIO()
        with pytest.raises(UnknownCategory):
            next(exporting.write_products(file, Selection(category="nothing")))
        assert file.getvalue() == ""


class TestMemory:
    def test_holds_a_batch_at_a_time(self, tmp_path, monkeypatch):
        imported(write_many(tmp_path / "many.csv", 1200))
        monkeypatch.setattr(exporting, "BATCH", 100)
        batches = exporting.write_products(Sink(), Selection())
        next(batches)
        tracemalloc.start()
        try:
            with CaptureQueriesContext(connection) as queries:
                assert list(batches) == [*range(200, 1300, 100)]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(queries) == 12  # one for each batch, and one that finds no more
        # A batch takes 150 KiB, all products 1.7 MiB.
        assert peak < 600_000


class Sink:
    """Takes text and keeps none."""

    def write(self, text):
        return len(text)


class TestCommand:
    def run(self, *arguments):
        out, err = io.StringIO(newline=""), io.StringIO()
        call_command("export_products", *map(str, arguments), stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    def test_writes_to_standard_output(self):
        made = factories.product()
        out, err = self.run("-")
        assert [line["sku"] for line in csv.DictReader(io.StringIO(out))] == [made.sku]
        assert err == "1 product exported\n"

    def test_replaces_a_file_only_when_told_to(self, tmp_path):
        path = tmp_path / "out.csv"
        path.write_text("mine")
        with pytest.raises(CommandError, match="already: add --force to replace it"):
            self.run(path)
        assert path.read_text() == "mine"
        self.run(path, "--force")
        assert path.read_text().startswith("sku,")
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]

    def test_leaves_the_old_file_when_it_fails_half_way(self, tmp_path, monkeypatch):
        factories.product()
        path = tmp_path / "out.csv"
        path.write_text("mine")
        monkeypatch.setattr(exporting, "_line", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            self.run(path, "--force")
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
        assert path.read_text() == "mine"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["{tmp}/no/out.csv"], "out.csv cannot be written: No such file or directory."),
            (["{tmp}"], "is a folder, not a file."),
            (["-", "--category", "nothing"], "No category is called nothing."),
            (["-", "--status", "sold"], "invalid choice: 'sold'"),
        ],
    )
    def test_says_in_one_sentence_what_is_wrong(self, tmp_path, arguments, told):
        with pytest.raises(CommandError) as failure:
            self.run(*(argument.format(tmp=tmp_path) for argument in arguments))
        assert told in str(failure.value)

    def test_ends_with_one_sentence_when_its_reader_goes_away(self, monkeypatch):
        closed = []
        monkeypatch.setattr(os, "dup2", lambda *files: closed.append(files))
        monkeypatch.setattr(sys, "stdout", Gone())
        with pytest.raises(CommandError, match="The reader of the output went away before its end"):
            call_command("export_products", "-", stdout=Gone(), stderr=io.StringIO())
        # What Python holds back for standard output goes nowhere, and is no second error.
        assert [target for _, target in closed] == [Gone.NUMBER]


class Gone(io.StringIO):
    """A standard output that nobody reads."""

    NUMBER = 12345

    def write(self, text):
        raise BrokenPipeError

    def fileno(self):
        return self.NUMBER
