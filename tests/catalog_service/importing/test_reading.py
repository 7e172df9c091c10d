import sys
from pathlib import Path
from typing import Any

import pytest

from apps.catalog_service.services.importing.reading import (
    RawRow,
    Refusal,
    UnusableFile,
    open_rows,
)

HEADER = "sku,name,price,category"


def rows_of(path: Path, form: str = "csv", **mapping: str) -> list[RawRow | Refusal]:
    with open_rows(path, form=form, mapping=mapping) as (_, rows):
        return list(rows)


def values_of(path: Path, form: str = "csv", **mapping: str) -> list[dict[str, Any]]:
    found = rows_of(path, form, **mapping)
    assert all(isinstance(row, RawRow) for row in found), found
    return [
        {name: value for name, value in row.values.items() if value is not None}
        for row in found
        if isinstance(row, RawRow)
    ]


def failure_of(path: Path, form: str = "csv", **mapping: str) -> str:
    with pytest.raises(UnusableFile) as caught:
        rows_of(path, form, **mapping)
    return str(caught.value)


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_takes_the_usual_forms(self, csv_file, delimiter, end, mark):
        text = (
            (f'{mark}sku,name,price,category{end}1,"a ""b"" {{}}\nc",2,d{end}')
            .replace(",", delimiter)
            .replace("{}", ",;\t")
        )
        assert values_of(csv_file(text)) == [
            {"sku": "1", "name": 'a "b" ,;\t\nc', "price": "2", "category": "d"}
        ]

    def test_sees_the_delimiter_between_quoted_names(self, csv_file):
        path = csv_file('"sku";"name, long";"price";"category"\n1;"a ""b""";2;c\n')
        assert values_of(path, name="name, long")[0]["name"] == 'a "b"'

    def test_counts_rows_as_a_spreadsheet_does(self, csv_file):
        path = csv_file(f"{HEADER}\n1,a,1,b\n\n2,a\n3,a,1,b,c\n")
        assert rows_of(path)[1:] == [
            Refusal(4, "has 2 cells where the header has 4"),
            Refusal(5, "has 5 cells where the header has 4"),
        ]

    def test_reads_an_empty_cell_as_not_given(self, csv_file):
        path = csv_file("sku,name,price,category,description\n1,a,2,b,  \n")
        assert "description" not in values_of(path)[0]

    @pytest.mark.parametrize(
        ("columns", "unread"),
        [
            ("Id,sku,name,price,category", ["sku"]),
            ('Id,name,price,category,, ,"a, b",note\0', ["a, b", "note"]),
            (f"Id,name,price,category,{'x' * 50}", ["x" * 40]),
            (
                f"Id,name,price,category,{','.join(map(str, range(30)))}",
                [*map(str, range(20)), "…"],
            ),
        ],
        ids=["replaced", "odd", "long", "many"],
    )
    def test_knows_the_columns_that_hold_no_field(self, csv_file, columns, unread):
        path = csv_file(f"{columns}\n")
        with open_rows(path, form="csv", mapping={"sku": "Id"}) as (source, rows):
            assert list(rows) == []
        assert source.unread == unread

    def test_goes_on_after_a_row_with_broken_quotes(self, csv_file):
        found = rows_of(csv_file(f'{HEADER}\n1,"a"b,1,c\n2,a,1,c\n'))
        assert isinstance(found[0], Refusal)
        assert found[0].number == 2
        assert found[0].reason.startswith("is not valid CSV: ")
        assert isinstance(found[1], RawRow)
        assert (found[1].number, found[1].values["sku"]) == (3, "2")

    def test_bounds_what_an_open_quote_swallows(self, csv_file):
        path = csv_file(f'{HEADER}\n1,"a,1,c\n' + "2,a,1,c\n" * 40_000)
        found = rows_of(path)
        assert isinstance(found[0], Refusal)
        assert "field larger than field limit" in found[0].reason
        assert isinstance(found[-1], RawRow)

    def test_takes_a_header_without_rows(self, csv_file):
        assert rows_of(csv_file(f"{HEADER}\n")) == []

    @pytest.mark.parametrize(
        ("content", "mapping", "expected"),
        [
            ("", {}, "The file is empty: a CSV begins with a line of column names."),
            ("\ufeff", {}, "The file is empty: a CSV begins with a line of column names."),
            ("\n1,2\n", {}, "The file is empty: a CSV begins with a line of column names."),
            (
                "sku,name,category\n",
                {},
                'The file has no column "price": name the one that holds it by --map price=COLUMN.',
            ),
            (
                HEADER,
                {"description": "Text"},
                'The file has no column "Text", which --map names for description.',
            ),
            (f"{HEADER},name\n", {}, 'The file has two columns "name".'),
            (f'{HEADER},"\n', {}, "The line of column names is not valid CSV: "),
        ],
    )
    def test_says_why_a_file_is_unusable(self, csv_file, content, mapping, expected):
        assert failure_of(csv_file(content), **mapping).startswith(expected)

    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("filler", [0, 65_530, 65_536, 200_000])
    def test_names_the_byte_that_is_not_utf_8(self, csv_file, mark, filler):
        start = mark + HEADER.encode() + b"\n" + b"1,\xc3\xa4,2,b\n" * (filler // 11)
        path = csv_file(start + b"1,caf\xe9,2,b\n")
        assert failure_of(path) == (
            f"The file is not UTF-8: byte {len(start) + 5} (counted from 0) does not belong there."
        )

    def test_names_the_byte_of_a_character_cut_off_at_the_end(self, csv_file):
        start = f"{HEADER}\n1,a,2,b".encode()
        assert f"byte {len(start)} " in failure_of(csv_file(start + b"\xe2\x82"))

    def test_refuses_utf_16(self, csv_file):
        assert "byte 0 " in failure_of(csv_file(HEADER.encode("utf-16")))

    def test_refuses_a_line_without_end(self, csv_file):
        path = csv_file(f"{HEADER}\n" + "x" * 5_000_000)
        assert failure_of(path) == "A line is longer than 4,194,304 characters."


class TestJson:
    def test_follows_paths_into_objects(self, json_file):
        item = {"Id": 7, "Name": "a", "Price": 1, "Type": {"Name": "b", "Deep": {"x": "c"}}}
        path = json_file([item])
        mapping = {"sku": "Id", "name": "Name", "price": "Price", "category": "Type.Name"}
        assert values_of(path, "json", **mapping, description="Type.Deep.x") == [
            {"sku": 7, "name": "a", "price": 1, "category": "b", "description": "c"}
        ]

    def test_reads_numbers_exactly(self, json_file):
        path = json_file('[{"sku": 12345678901234567890123, "price": 0.1000000000000000055}]')
        values = values_of(path, "json")[0]
        assert (str(values["sku"]), str(values["price"])) == (
            "12345678901234567890123",
            "0.1000000000000000055",
        )

    def test_reads_what_no_path_reaches_as_not_given(self, json_file):
        path = json_file([{"category": "text"}, {"category": {"Name": "b"}}, {"category": [1]}])
        found = values_of(path, "json", category="category.Name")
        assert found == [{}, {"category": "b"}, {}]

    def test_leaves_out_what_is_no_object(self, json_file):
        assert rows_of(json_file([1, None, [{}]]), "json") == [
            Refusal(number, "is not an object") for number in (1, 2, 3)
        ]

    @pytest.mark.parametrize("text", ["[]", " \n[ ]\n", "\ufeff[]", " " * 200_000 + "[]"])
    def test_takes_an_empty_list(self, json_file, text):
        assert rows_of(json_file(text), "json", sku="Id") == []

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "The file is empty: it must hold a JSON list of objects."),
            (" \n", "The file is empty: it must hold a JSON list of objects."),
            ('{"sku": 1}', "The file does not hold a JSON list of objects."),
            ('"sku"', "The file does not hold a JSON list of objects."),
            ('[{"sku": 1}, {"sku"', "The file is not valid JSON after 1 objects: parse error"),
            ('[{"sku": NaN}]', "The file is not valid JSON after 0 objects: lexical error"),
            ('[{"sku": 1}] []', "The file is not valid JSON after 1 objects: parse error"),
            ('[{"sku": 1e99999999999999999999}]', "The file is not valid JSON after 0 objects: "),
        ],
    )
    def test_says_why_a_file_is_unusable(self, json_file, text, expected):
        failure = failure_of(json_file(text), "json")
        assert failure.startswith(expected)
        assert "\n" not in failure

    def test_survives_a_number_of_more_digits_than_python_reads(self, json_file):
        limit = sys.get_int_max_str_digits()
        values = values_of(json_file(f'[{{"price": {"9" * 5000}}}]'), "json")[0]
        assert values["price"] == 10**5000 - 1
        assert sys.get_int_max_str_digits() == limit

    def test_says_that_no_object_has_a_mapped_path(self, json_file):
        path = json_file([{"sku": 1, "Type": "x"}])
        assert failure_of(path, "json", category="Type.Name") == (
            'No object has "Type.Name", which --map names for category.'
        )

    def test_names_the_byte_that_is_not_utf_8(self, tmp_path):
        path = tmp_path / "products.json"
        path.write_bytes(b'[{"sku": "caf\xe9"}]')
        assert "byte 13 " in failure_of(path, "json")


class TestOpenRows:
    def test_says_that_the_file_is_missing_or_a_folder(self, tmp_path):
        assert failure_of(tmp_path / "none.csv") == f"There is no file {tmp_path}/none.csv."
        assert failure_of(tmp_path) == f"{tmp_path} is a folder, not a file."

    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_knows_size_and_position(self, csv_file, mark):
        content = mark + HEADER.encode() + b"\n1,a,1,b\n"
        with open_rows(csv_file(content), form="csv", mapping={}) as (source, rows):
            assert len(list(rows)) == 1
            assert (source.position, source.size) == (len(content), len(content))
