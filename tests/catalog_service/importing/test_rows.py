import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from apps.catalog_service.models import Product
from apps.catalog_service.serializers.fields import AttributesField
from apps.catalog_service.serializers.products import ProductInput
from apps.catalog_service.services.importing.rows import FIELDS, BadRow, Row, parse

GOOD: dict[str, Any] = {"sku": "A-1", "name": "Tea pot", "price": "19.90", "category": "Kitchen"}


def parsed(**changes: Any) -> Row:
    return parse({**GOOD, **changes}, currency="EUR")


def reason(**changes: Any) -> str:
    with pytest.raises(BadRow) as caught:
        parsed(**changes)
    return str(caught.value)


class TestParse:
    def test_takes_the_required_fields_alone(self):
        assert parsed() == Row("A-1", "Tea pot", Decimal("19.90"), "Kitchen")

    @pytest.mark.parametrize("field", ["sku", "name", "price", "category"])
    def test_says_which_required_field_is_missing(self, field):
        assert reason(**{field: None}) == f"{field} is missing"

    def test_says_all_that_is_wrong(self):
        assert reason(name=None, price="-1", status="gone") == (
            'name is missing; price must be an amount such as 19.90 with at most two decimals, not "-1"; '
            'status must be one of draft, active, archived, not "gone"'
        )

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("19.90", "19.90"),
            (" 19.9 ", "19.90"),
            ("7", "7.00"),
            (Decimal("19.9"), "19.90"),
            (Decimal("0.07"), "0.07"),
            (7, "7.00"),
            (0, "0.00"),
            ("9999999999.99", "9999999999.99"),
        ],
    )
    def test_keeps_a_price_exactly(self, value, expected):
        assert str(parsed(price=value).price) == expected

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "-1",
                "NaN",
                "Infinity",
                "1e2",
                "1E2",
                "1,299.00",
                "19,90",
                "1.999",
                ".5",
                "1.",
                "+1",
            ),
            *("€5", "٣", "10000000000", "0x10", "1 000", "1_000", True, 19.9, [1], {}),
            *(Decimal("1E+2"), Decimal("1.999"), Decimal(-1), -1, Decimal("NaN"), 10**10),
        ],
    )
    def test_refuses_a_price_that_is_none(self, value):
        assert "price must be an amount such as 19.90" in reason(price=value)

    def test_makes_text_of_a_number_as_sku(self):
        assert parsed(sku=1007).sku == "1007"

    @pytest.mark.parametrize(
        "value", ["", "-A", "A B", "A" * 65, "Ä", True, Decimal("1.5"), ["A"], -1, "A\0"]
    )
    def test_refuses_a_sku_that_the_api_would(self, value):
        assert reason(sku=value).startswith("sku must be 1 to 64 letters, digits and")

    @pytest.mark.parametrize("value", [" Home  and\u00a0 garden\n", "Home and garden"])
    def test_normalises_the_spaces_of_a_category(self, value):
        assert parsed(category=value).category == "Home and garden"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"name": "  "}, "name is empty"),
            ({"name": "x" * 201}, "name is longer than 200 characters"),
            ({"name": 5}, "name must be a text, not 5"),
            ({"name": "a\0b"}, "name holds a NUL character"),
            ({"description": "a\0b"}, "description holds a NUL character"),
            ({"name": "a\ud800"}, "name holds half a surrogate pair"),
            ({"category": "x" * 101}, "category is longer than 100 characters"),
            ({"category": {"Name": "x"}}, "category must be a text, not {'Name': 'x'}"),
            ({"description": "x" * 20_001}, "description is longer than 20000 characters"),
            ({"image_url": "javascript:x"}, "image_url must be an http(s) URL or a path under"),
            ({"image_url": "https://" + "x" * 500}, "image_url is longer than 500 characters"),
            ({"slug": "tea pot"}, "slug must be 1 to 120 letters, digits, - and _"),
            ({"slug": "x" * 121}, "slug must be 1 to 120 letters, digits, - and _"),
            ({"currency": "USD"}, 'currency must be the shop\'s, EUR, not "USD"'),
            ({"attributes": "[1]"}, "attributes must be a JSON object"),
            ({"attributes": [1]}, "attributes must be a JSON object"),
            ({"attributes": "{"}, "attributes is not valid JSON"),
            ({"attributes": '{"a": NaN}'}, "attributes is not valid JSON"),
            ({"attributes": "[" * 100_000}, "attributes is not valid JSON"),
            ({"attributes": {"a": "\0"}}, "attributes holds a NUL character"),
            ({"attributes": {"\0": 1}}, "attributes holds a NUL character"),
            ({"attributes": '{"a": "\\ud800"}'}, "attributes holds half a surrogate pair"),
            ({"attributes": {"a": 10**5000}}, "attributes holds a number out of range"),
            ({"attributes": '{"a": 1e9999}'}, "attributes holds a number out of range"),
        ],
    )
    def test_says_what_is_wrong_with_another_field(self, changes, expected):
        assert reason(**changes).startswith(expected)

    @pytest.mark.parametrize("depth", [4, 5, 30])
    def test_refuses_attributes_nested_deeper_than_the_api_takes(self, depth):
        deep: Any = 1
        for _ in range(depth):
            deep = [deep]
        taken = AttributesField().run_validation
        if depth == 4:
            assert taken({"a": deep}) == {"a": deep}
            assert parsed(attributes={"a": deep}).attributes
        else:
            with pytest.raises(ValidationError, match="nested deeper than 5"):
                taken({"a": deep})
            assert reason(attributes={"a": deep}) == "attributes must not be nested deeper than 5"

    def test_refuses_attributes_longer_than_the_api_takes(self):
        expected = "attributes must be at most 20000 bytes of JSON"
        assert reason(attributes={"a": "x" * 19_993}) == expected
        assert parsed(attributes={"a": "x" * 19_992}).attributes
        with pytest.raises(ValidationError, match="at most 20000 bytes"):
            AttributesField().run_validation({"a": "x" * 19_993})

    @pytest.mark.parametrize(
        "value",
        [
            {"weight": Decimal("1.50"), "big": 2**70, "tags": ["a", None, True]},
            f'{{"weight": 1.50, "big": {2**70}, "tags": ["a", null, true]}}',
        ],
    )
    def test_keeps_the_numbers_of_attributes_exactly(self, value):
        assert parsed(attributes=value).attributes == (
            f'{{"weight":1.50,"big":{2**70},"tags":["a",null,true]}}'
        )

    def test_takes_the_shops_own_currency(self):
        assert parsed(currency="EUR") == parsed()

    def test_lowers_a_status(self):
        assert parsed(status=" Draft ").status == "draft"

    def test_shows_no_more_than_the_beginning_of_a_bad_value(self):
        assert len(reason(price="9" * 10_000)) < 150


raw_texts = st.text(
    alphabet=st.one_of(st.sampled_from("aZ09 .-_:/{}[]\"',;\0\ud800€ä"), st.characters()),
    max_size=130,
)
raw_values = st.one_of(
    st.none(),
    raw_texts,
    st.booleans(),
    st.integers(),
    st.decimals(),
    st.recursive(
        st.one_of(st.none(), raw_texts, st.integers(), st.decimals()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(raw_texts, inner, max_size=3),
        max_leaves=6,
    ),
)
near_misses = st.fixed_dictionaries(
    {
        "sku": st.one_of(st.just("A-1"), st.from_regex(r"[A-Za-z0-9._:/ -]{1,70}", fullmatch=True)),
        "name": st.one_of(st.just("Tea pot"), raw_texts),
        "price": st.one_of(st.just("1.00"), st.from_regex(r"-?[0-9]{1,11}\.?[0-9]{0,3}")),
        "category": st.one_of(st.just("Kitchen"), raw_texts),
    },
    optional={
        "description": raw_texts,
        "status": st.sampled_from(["active", "DRAFT", "gone", ""]),
        "image_url": st.sampled_from(["", "/media/x.svg", "http://x", "ftp://x", "https://é"]),
        "slug": st.from_regex(r"[a-z_ -]{0,5}", fullmatch=True),
        "attributes": raw_values,
        "currency": st.sampled_from(["EUR", "USD", "", 1]),
    },
)


def row_or_problems(values: dict[str, Any]) -> tuple[Row | None, str]:
    try:
        return parse(values, currency="EUR"), ""
    except BadRow as error:
        return None, str(error)


def assert_storable(row: Row) -> None:
    for text in row:
        if isinstance(text, str):
            assert "\0" not in text
            text.encode()
    assert row.price >= 0
    assert row.price.as_tuple().exponent == -2
    for column in ("sku", "name", "description", "image_url", "slug", "status"):
        longest = getattr(Product._meta.get_field(column), "max_length", None)
        assert longest is None or len(getattr(row, column) or "") <= longest


# How fast a busy machine is says nothing about the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestParsingAnything:
    @patient
    @given(st.dictionaries(st.sampled_from(FIELDS), raw_values) | near_misses)
    def test_gives_a_row_that_can_be_stored_or_a_reason(self, values):
        row, problems = row_or_problems(values)
        assert (row is None) == bool(problems)
        assert all(
            problem.split(" ")[0] in FIELDS for problem in problems.split("; ")[:1] if problem
        )
        if row is not None:
            assert_storable(row)

    @patient
    @given(near_misses)
    def test_accepts_no_product_that_the_api_would_refuse(self, values):
        try:
            row = parse(values, currency="EUR")
        except BadRow:
            return
        data = {name: value for name, value in row._asdict().items() if value is not None}
        data |= {"price": str(row.price), "category": "by-name"}
        if "attributes" in data:
            data["attributes"] = json.loads(data["attributes"])
        serializer = ProductInput(data=data)
        assert serializer.is_valid(), serializer.errors
