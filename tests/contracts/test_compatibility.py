from typing import Any

import pytest

from tests.contracts.compatibility import misfits, removed

GIVEN: dict[str, Any] = {
    "type": "object",
    "required": ["id", "total", "status", "count"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "total": {"type": "string", "maxLength": 10},
        "status": {"type": "string", "enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 1},
        "note": {"type": "string"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [],
                "properties": {"sku": {"type": "string"}},
            },
        },
    },
}


def of(**fields: Any) -> dict[str, Any]:
    return {"properties": fields}


class TestMisfits:
    @pytest.mark.parametrize(
        ("taken", "reason"),
        [
            ({"required": ["note"]}, "#/note: is taken for granted, and may be missing"),
            (of(total={"type": "number"}), "#/total: string is given, number is taken"),
            (
                of(note={"type": "string", "format": "uuid"}),
                "#/note: format None is given, uuid is taken",
            ),
            (
                of(lines={"type": "array", "items": {"required": ["sku"]}}),
                "#/lines/*/sku: is taken for granted, and may be missing",
            ),
            (
                of(total={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
                "#/total: string is given, integer is taken",
            ),
            (of(status={"enum": ["a", "c"]}), "#/status: b is given, only ['a', 'c'] is taken"),
            (of(note={"enum": ["a"]}), "#/note: any other is given, only ['a'] is taken"),
            (of(total={"maxLength": 9}), "#/total: maxLength 10 is given, 9 is taken"),
            (of(note={"maxLength": 9}), "#/note: maxLength None is given, 9 is taken"),
            (of(count={"minimum": 2}), "#/count: minimum 1 is given, 2 is taken"),
            (of(note={"pattern": "^a"}), "#/note: pattern None is given, ^a is taken"),
            (
                {"additionalProperties": False},
                "#: additionalProperties None is given, False is taken",
            ),
        ],
        ids=lambda value: value.partition(" ")[0] if isinstance(value, str) else "",
    )
    def test_are_found(self, taken: dict[str, Any], reason: str) -> None:
        assert list(misfits(GIVEN, taken)) == [reason]

    @pytest.mark.parametrize(
        "taken",
        [
            {"type": "object", "required": ["id"]},
            of(total={"type": "string", "maxLength": 10}),
            of(total={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            of(status={"type": "string", "enum": ["c", "b", "a"]}),
            of(status={"type": "string"}),
            of(count={"type": "number", "minimum": 0}),
            of(other={"type": "integer"}),
            of(note={"description": "Said otherwise", "x-new": 1, "default": ""}),
        ],
        ids=["fewer", "the-same", "or-null", "more-values", "any-value", "wider", "other", "words"],
    )
    def test_are_none_where_less_is_asked(self, taken: dict[str, Any]) -> None:
        assert list(misfits(GIVEN, taken)) == []

    def test_are_found_where_one_alternative_is_not_taken(self) -> None:
        either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        assert list(misfits(either, {"type": "string"})) == ["#: null is given, string is taken"]


class TestRemoved:
    def test_finds_fields_at_any_depth_that_nothing_requires(self) -> None:
        inner = {"anyOf": [GIVEN, {"type": "null"}]}
        shorter = {**GIVEN, "properties": {**GIVEN["properties"], "lines": {"type": "array"}}}
        del shorter["properties"]["note"]
        assert list(removed({"properties": {"in": inner}}, {"properties": {"in": shorter}})) == [
            "#/in/note: is gone",
            "#/in/lines/*/sku: is gone",
        ]

    def test_finds_none_where_fields_were_added(self) -> None:
        longer = {**GIVEN, "properties": {**GIVEN["properties"], "new": {"type": "string"}}}
        assert list(removed(GIVEN, longer)) == []
