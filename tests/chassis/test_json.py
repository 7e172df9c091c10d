import contextlib
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail

from chassis import json

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


class TestEncode:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Decimal("19.90"), b'"19.90"'),
            (Decimal("1E+3"), b'"1E+3"'),
            (datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC), b'"2026-01-02T03:04:05.000600Z"'),
            (
                datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
                b'"2026-01-02T00:00:00+02:00"',
            ),
            (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
            (SafeString("<b>"), b'"<b>"'),
            (lazystr("later"), b'"later"'),
            (ErrorDetail("text", code="c"), b'"text"'),
            ({SafeString("key"): (1, 2)}, b'{"key":[1,2]}'),
            (math.nan, b"null"),
            (math.inf, b"null"),
            ("ä\u2028", '"ä\u2028"'.encode()),
        ],
    )
    def test_has_a_form_for_what_views_answer(self, value, text):
        assert json.encode(value) == text

    def test_refuses_what_has_no_form(self):
        with pytest.raises(TypeError, match="object has no JSON form"):
            json.encode(object())


class TestDecode:
    @given(st.recursive(scalars, lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
    def test_returns_what_was_encoded(self, value):
        assert json.decode(json.encode(value)) == value

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{",
            b"NaN",
            b"Infinity",
            b"1e999",
            b"1" * 5000,
            b'"\xff"',
            b'"\\ud800"',
            b'"\\udc00x"',
            b"\xef\xbb\xbf{}",
            b"[" * 100_000,
            b"[1,]",
            b"'a'",
            "{'a': 1}",
        ],
        ids=lambda text: ascii(text[:12]),
    )
    def test_raises_a_value_error_for_what_is_no_json(self, text):
        with pytest.raises(ValueError, match=r"JSON|truncated|range|decode|depth"):
            json.decode(text)

    @given(st.binary(max_size=200))
    def test_raises_nothing_else_for_any_bytes(self, body):
        with contextlib.suppress(ValueError):
            json.decode(body)


@pytest.mark.urls("tests.chassis.sample.urls")
class TestJSONRenderer:
    def test_renders_what_drf_and_django_hand_out(self, api):
        assert api.get("/api/v1/values").json() == {
            "safe": "<b>",
            "lazy": "later",
            "decimal": "19.90",
            "time": "2026-01-02T03:04:05Z",
            "serialized": {"text": "a", "lines": [{"quantity": 1}]},
        }

    @pytest.mark.parametrize(
        "accept", ["text/html", "image/png", "application/xml;q=1", "nonsense"]
    )
    def test_answers_json_whatever_is_asked_for(self, api, accept):
        assert api.get("/api/v1/values", HTTP_ACCEPT=accept)["Content-Type"] == "application/json"


@pytest.mark.urls("tests.chassis.sample.urls")
class TestJSONParser:
    @pytest.mark.parametrize(
        "value", [{"a": "\\u0000"}, {"a": "\0"}, {"\0": 1}, ["\0"], {"a": [{"b": "x\0"}]}]
    )
    def test_refuses_nul_characters_wherever_they_are(self, api, value):
        response = api.post("/api/v1/echo", value)
        if "\0" in str(value) or "\\x00" in str(value):
            assert response.status_code == 400
            assert "NUL" in response.json()["detail"]
        else:
            assert response.json() == value

    @pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
    def test_refuses_them_as_deep_as_it_reads(self, api, left, right):
        for depth in range(100, 1000, 100):
            text = left * depth + '"\\u0000"' + right * depth
            response = api.generic("POST", "/api/v1/echo", text, content_type="application/json")
            assert response.status_code == 400, depth
