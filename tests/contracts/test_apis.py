"""What breaks those who call our APIs, and what does not; one case for each rule."""

from copy import deepcopy
from typing import Any

import pytest

from tests.contracts import apis
from tests.contracts.changing import Change, drop, put

DOCUMENT: dict[str, Any] = {
    "info": {"version": "1"},
    "paths": {
        "/orders": {
            "post": {
                "parameters": [
                    {"in": "query", "name": "dry", "schema": {"type": "integer", "maximum": 9}}
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/New"}}
                    }
                },
                "responses": {
                    "201": {
                        "headers": {"Location": {"schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                        },
                    },
                    "202": {"description": ""},
                },
            },
            "get": {"security": [{"token": []}], "responses": {}},
        }
    },
    "components": {
        "schemas": {
            "Method": {"enum": ["card", "cash"], "type": "string"},
            "New": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string", "maxLength": 40},
                    "method": {"allOf": [{"$ref": "#/components/schemas/Method"}], "default": "x"},
                },
            },
            "Order": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "note": {"type": "string"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                },
            },
        }
    },
}
POST = ("paths", "/orders", "post")
NEW = ("components", "schemas", "New")
ORDER = ("components", "schemas", "Order")
NEEDED = [{"in": "header", "name": "Key", "required": True, "schema": {"type": "string"}}]


def api_breaks(change: Change) -> list[str]:
    changed = deepcopy(DOCUMENT)
    change(changed)
    return list(apis.breaks(DOCUMENT, changed))


class TestApis:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (drop("paths", "/orders", "post"), "is gone"),
            (put(*POST, "parameters", []), "no longer takes dry in the query"),
            (
                put(
                    *POST,
                    "parameters",
                    [*DOCUMENT["paths"]["/orders"]["post"]["parameters"], *NEEDED],
                ),
                "now wants Key in the header",
            ),
            (
                put(*POST, "parameters", 0, "required", True),
                "now wants dry in the query",
            ),
            (put(*POST, "parameters", 0, "schema", "maximum", 8), "takes less of dry in the query"),
            (drop(*POST, "requestBody"), "no longer takes a body"),
            (put(*POST, "requestBody", "required", True), "now wants a body"),
            (put(*POST, "requestBody", "content", {}), "no longer takes application/json"),
            (
                put(*NEW, "required", ["sku", "method"]),
                "takes less in the body (#/method: is taken",
            ),
            (drop(*NEW, "properties", "method"), "takes less in the body (#/method: is gone)"),
            (put(*NEW, "properties", "sku", "maxLength", 39), "takes less in the body (#/sku: max"),
            (put(*NEW, "properties", "sku", "type", "integer"), "takes less in the body (#/sku: "),
            (
                put("components", "schemas", "Method", "enum", ["card"]),
                "takes less in the body (#/method: cash is given",
            ),
            (drop(*POST, "responses", "202"), "no longer answers 202"),
            (drop(*POST, "responses", "201", "headers"), "no longer answers 201 with Location"),
            (drop(*POST, "responses", "201", "content"), "no longer answers 201 with application/"),
            (put(*ORDER, "required", []), "answers 201 otherwise (#/id: is taken for granted"),
            (drop(*ORDER, "properties", "note"), "answers 201 otherwise (#/note: is gone)"),
            (
                put(*ORDER, "properties", "id", "type", "integer"),
                "answers 201 otherwise (#/id: int",
            ),
            (
                put(*ORDER, "properties", "id", "nullable", True),
                "answers 201 otherwise (#/id: null",
            ),
            (put(*POST, "security", [{"token": []}]), "now wants a token"),
        ],
        ids=[
            *("call", "parameter", "parameter-added", "parameter-required", "parameter-narrowed"),
            *("body", "body-required", "body-kind", "field-required", "field", "field-narrowed"),
            *("field-type", "value", "status", "header", "answer-kind", "answer-optional"),
            *("answer-field", "answer-type", "answer-null", "token"),
        ],
    )
    def test_break_their_promise_by(self, change: Change, reason: str) -> None:
        found = api_breaks(change)
        assert found
        assert all(sentence.startswith("POST /orders ") for sentence in found)
        assert found[0].startswith(f"POST /orders {reason}")

    @pytest.mark.parametrize(
        "change",
        [
            put("paths", "/carts", DOCUMENT["paths"]["/orders"]),
            put(*POST, "responses", "200", {}),
            put(*NEW, "properties", "gift", {"type": "boolean"}),
            put(*NEW, "required", []),
            put(*NEW, "properties", "sku", "maxLength", 41),
            put(*NEW, "properties", "sku", "nullable", True),
            put(*ORDER, "properties", "new", {"type": "string"}),
            put("components", "schemas", "Method", "enum", ["card", "cash", "gold"]),
            put("paths", "/orders", "get", "security", [{"token": []}, {}]),
            put(*POST, "description", "Said otherwise."),
        ],
        ids=[
            *("call", "status", "field", "field-optional", "field-widened", "field-null"),
            *("answer-field", "value", "token", "words"),
        ],
    )
    def test_may_be_added_to(self, change: Change) -> None:
        assert api_breaks(change) == []

    def test_may_change_in_any_way_under_a_raised_version(self) -> None:
        assert api_breaks(lambda d: d.update({"info": {"version": "2"}, "paths": {}})) == []
