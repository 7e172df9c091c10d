"""The command, in this process: what it does to the catalogue and says about it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from apps.catalog_service.models import Product, Stock, StockMovement
from apps.catalog_service.services import products
from apps.catalog_service.services.importing import applying
from tests.catalog_service import factories
from tests.catalog_service.importing.running import (
    HEADER,
    ROW,
    assert_consistent,
    assert_nothing,
    values_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestImport:
    def test_makes_a_product_with_the_defaults(self, csv_file, run):
        assert run(csv_file(HEADER + ROW)) == (["1 created, 0 updated, 0 unchanged, 0 bad"], [])
        assert values_of("A-1") == {
            "name": "Tea pot",
            "slug": "tea-pot",
            "price": Decimal("19.90"),
            "currency": "EUR",
            "description": "",
            "image_url": "",
            "attributes": {},
            "status": "active",
            "category__name": "Kitchen",
        }

    def test_takes_every_field(self, csv_file, run):
        path = csv_file(
            f"{HEADER.strip()},description,status,image_url,slug,attributes,currency\n"
            f'{ROW.strip()},Holds tea,draft,/media/pot.svg,pot,"{{""litres"": 1.50}}",EUR\n'
        )
        run(path)
        assert values_of("A-1") | {"attributes": None} == {
            "name": "Tea pot",
            "slug": "pot",
            "price": Decimal("19.90"),
            "currency": "EUR",
            "description": "Holds tea",
            "image_url": "/media/pot.svg",
            "attributes": None,
            "status": "draft",
            "category__name": "Kitchen",
        }
        with connection.cursor() as cursor:
            cursor.execute("SELECT attributes ->> 'litres' FROM product")
            assert cursor.fetchone() == ("1.50",)

    def test_follows_the_map_into_nested_objects(self, json_file, run):
        path = json_file('[{"Id": 7, "Name": "Pot", "Price": 8.1, "Type": {"Name": "Tea"}}]')
        assert run(path, "--map", "name=Name,price=Price,sku=Id,category=Type.Name").summary == (
            "1 created, 0 updated, 0 unchanged, 0 bad"
        )
        found = values_of("7")
        assert (found["price"], found["category__name"]) == (Decimal("8.10"), "Tea")

    def test_takes_a_column_with_a_comma_and_repeated_maps(self, csv_file, run):
        path = csv_file('Id,"Name, long",price,category\n1,Pot,2,Tea\n')
        run(path, "--map", "sku=Id", "--map", '"name=Name, long"')
        assert values_of("1")["name"] == "Pot"

    def test_is_idempotent(self, csv_file, run, outbox_events):
        attributes = '"{""b"": 1.0, ""a"": [2]}"'
        path = csv_file(f"{HEADER.strip()},attributes\n{ROW.strip()},{attributes}\n")
        run(path, "--on-hand", "5")
        before = list(Product.objects.values()), list(Stock.objects.values())
        assert run(path, "--on-hand", "9").summary == "0 created, 0 updated, 1 unchanged, 0 bad"
        assert (list(Product.objects.values()), list(Stock.objects.values())) == before
        assert StockMovement.objects.count() == 1
        assert [(row.type, row.sequence) for row in outbox_events()] == [("product.created", 1)]

    def test_locks_and_writes_no_unchanged_row(self, csv_file, run):
        path = csv_file(HEADER + ROW)
        run(path)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid::text, xmin::text, xmax::text FROM product")
            before = cursor.fetchall()
            run(path)
            cursor.execute("SELECT ctid::text, xmin::text, xmax::text FROM product")
            assert cursor.fetchall() == before

    @pytest.mark.parametrize(
        ("column", "value", "stored"),
        [
            ("name", "Kettle", "Kettle"),
            ("price", "21.00", Decimal("21.00")),
            ("category", "Garden", "Garden"),
            ("description", "New", "New"),
            ("image_url", "/media/x.svg", "/media/x.svg"),
            ("attributes", '"{""a"": 1}"', {"a": 1}),
            ("status", "draft", "draft"),
        ],
    )
    def test_changes_what_the_file_says(self, csv_file, run, column, value, stored):
        run(csv_file(HEADER + ROW))
        old = Product.objects.get()
        row = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True))
        row[column] = value
        again = csv_file(f"{','.join(row)}\n{','.join(row.values())}\n")
        assert run(again).summary == "0 created, 1 updated, 0 unchanged, 0 bad"
        found = values_of("A-1")
        assert found["category__name" if column == "category" else column] == stored
        new = Product.objects.get()
        assert new.updated_at > old.updated_at
        assert (new.id, new.slug, new.created_at) == (old.id, old.slug, old.created_at)

    def test_keeps_what_the_file_does_not_say(self, csv_file, run):
        run(csv_file(HEADER + ROW))
        kept = {
            "description": "By hand",
            "status": "archived",
            "image_url": "/media/x.svg",
            "attributes": {"a": 1},
        }
        products.update_product(slug="tea-pot", values=kept, by=None)
        path = csv_file(
            f"{HEADER.strip()},description,status,image_url,attributes\nA-1,Kettle,2,Kitchen,,,,\n"
        )
        assert run(path).summary == "0 created, 1 updated, 0 unchanged, 0 bad"
        found = values_of("A-1")
        assert {name: found[name] for name in kept} == kept

    def test_tells_which_columns_it_does_not_read(self, csv_file, run):
        path = csv_file(f"{HEADER.strip()},on_hand,descripton\n{ROW.strip()},9,Red\n")
        assert run(path).out == [
            "Columns that are not read: on_hand, descripton",
            "1 created, 0 updated, 0 unchanged, 0 bad",
        ]
        assert factories.stock_of(Product.objects.get()) == (0, 0)

    def test_empties_a_text_that_json_gives_as_empty(self, json_file, run):
        item = {"sku": "A", "name": "b", "price": "1", "category": "c", "description": "d"}
        run(json_file([item]))
        run(json_file([item | {"description": None}]))
        assert values_of("A")["description"] == "d"
        run(json_file([item | {"description": ""}]))
        assert not values_of("A")["description"]

    def test_leaves_out_bad_rows_and_says_why(self, csv_file, run):
        out, err = run(csv_file(f"{HEADER}{ROW}A-2,Lamp,x,Light\nA-3,Lamp\nA-4,Lamp,2,Light\n"))
        assert out == ["2 created, 0 updated, 0 unchanged, 2 bad"]
        assert err == [
            'row 3: price must be an amount such as 19.90 with at most two decimals, not "x"',
            "row 4: has 2 cells where the header has 4",
        ]
        assert sorted(Product.objects.values_list("sku", flat=True)) == ["A-1", "A-4"]

    def test_reports_the_first_hundred_bad_rows_and_counts_the_rest(self, csv_file, run):
        out, err = run(csv_file(HEADER + "A,b,x,c\n" * 130 + "A,b,1,c\n"))
        assert out == ["1 created, 0 updated, 0 unchanged, 130 bad"]
        assert len(err) == 101
        assert (err[0].split(":")[0], err[99].split(":")[0]) == ("row 2", "row 101")
        assert err[100] == "... and 30 more bad rows"

    def test_fails_where_every_row_is_bad(self, csv_file, run):
        with pytest.raises(CommandError, match="Every row is bad"):
            run(csv_file(HEADER + "A,b,x,c\n" * 2))

    @pytest.mark.parametrize("text", ["[" * 100_000, '[{"a":' * 100_000])
    def test_refuses_a_file_nested_deep_at_once(self, json_file, run, text):
        reason = "not valid JSON after 0 objects: it is nested deeper than 64"
        with pytest.raises(CommandError, match=reason):
            run(json_file(text))

    def test_takes_the_last_good_row_of_a_sku(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 2)
        rows = ["A,first,1,c", "B,x,1,c", "C,x,1,c", "A,second,2,c", "D,x,1,c", "A,last,3,c"]
        path = csv_file(HEADER + "\n".join([*rows, "A,bad,x,c"]))
        out, _ = run(path)
        assert out == [
            "2 rows have a later row of the same sku, which counts",
            "4 created, 0 updated, 0 unchanged, 1 bad",
        ]
        assert (values_of("A")["name"], values_of("A")["price"]) == ("last", 3)
        assert run(path).summary == "0 created, 0 updated, 4 unchanged, 1 bad"

    def test_applies_every_batch(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 3)
        text = "".join(f"S{number},P {number},1,c\n" for number in range(10))
        assert run(csv_file(HEADER + text)).summary == "10 created, 0 updated, 0 unchanged, 0 bad"
        assert run(csv_file(HEADER + text + "T,t,1,c\n")).summary == (
            "1 created, 0 updated, 10 unchanged, 0 bad"
        )
        assert_consistent()


class TestStock:
    def test_comes_with_new_skus_alone_through_the_ledger(self, csv_file, run):
        factories.product(3, sku="A-1")
        path = csv_file(f"{HEADER}{ROW}A-2,Lamp,2,Light\n")
        run(path, "--on-hand", "7")
        rows = StockMovement.objects.filter(product__sku="A-2")
        assert [(r.kind, r.on_hand, r.reserved, r.actor, r.reason) for r in rows] == [
            ("initial", 7, 0, "import_products", "Import of products.csv")
        ]
        stock = dict(Stock.objects.values_list("product__sku", "on_hand"))
        assert stock == {"A-1": 3, "A-2": 7}
        assert_consistent()

    def test_is_none_without_a_movement_by_default(self, csv_file, run):
        run(csv_file(HEADER + ROW))
        assert Stock.objects.values_list("on_hand", "reserved").get() == (0, 0)
        assert not StockMovement.objects.exists()

    @pytest.mark.parametrize("number", ["-1", "1000001"])
    def test_must_be_within_bounds(self, csv_file, run, number):
        with pytest.raises(CommandError, match="--on-hand must be from 0 to 1,000,000"):
            run(csv_file(HEADER + ROW), f"--on-hand={number}")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--currency", "USD"], "The shop sells in EUR alone (SHOP_CURRENCY): USD cannot be"),
            (["--map", "colour=x"], 'A product has no field "colour" to --map to; it has sku, '),
            (["--map", "name"], '--map takes FIELD=COLUMN, not "name".'),
            (["--map", "name="], '--map takes FIELD=COLUMN, not "name=".'),
            (["--map", "sku=a,sku=b"], "--map names sku twice."),
            (["--map", "name=Title"], 'The file has no column "Title", which --map names for'),
            (["--format", "json"], "The file does not hold a JSON list of objects."),
        ],
    )
    def test_are_one_sentence_and_leave_nothing(self, csv_file, run, options, expected):
        with pytest.raises(CommandError) as caught:
            run(csv_file(HEADER + ROW), *options)
        assert str(caught.value).startswith(expected)
        assert caught.value.returncode == 1
        assert_nothing()

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("none.csv", "There is no file {}."),
            ("", "{} is a folder, not a file."),
            (
                "none.xml",
                "The name of {} ends in neither .csv nor .json: add --format csv or json.",
            ),
        ],
    )
    def test_say_what_is_wrong_with_the_path(self, tmp_path, run, name, expected):
        path = tmp_path / name
        with pytest.raises(CommandError) as caught:
            run(path)
        assert str(caught.value) == expected.format(path)

    def test_say_that_a_file_may_not_be_read(self, csv_file, run, monkeypatch):
        def refuse(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("io.FileIO", refuse)
        path = csv_file(HEADER)
        with pytest.raises(CommandError, match="may not be read by this user"):
            run(path)

    @pytest.mark.parametrize("cut", [b"A,caf\xe9,1,c\n"])
    def test_leave_nothing_of_a_file_broken_in_the_middle(self, csv_file, run, cut):
        many = "".join(f"S{number},P {number},1,c\n" for number in range(5000))
        with pytest.raises(CommandError, match="The file is not UTF-8: byte"):
            run(csv_file((HEADER + many).encode() + cut))
        assert_nothing()

    def test_do_not_touch_the_shops_own_currency(self, csv_file, run):
        assert run(csv_file(HEADER + ROW), "--currency", "EUR").summary.startswith("1 created")


def test_the_help_explains_the_fields(capsys: Any) -> None:
    from django.core.management import call_command

    with pytest.raises(SystemExit):
        call_command("import_products", "--help")
    text = capsys.readouterr().out
    assert "Fields: sku, name, price and category are required" in text
    assert json.dumps("name=Name, long") in text
