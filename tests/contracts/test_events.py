"""The events' schemas: as checked in, and enough for whoever consumes them."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contracts.compatibility import misfits
from tests.contracts.services import CONTRACTS, SERVICES, event_schemas

FOLDER = CONTRACTS / "events"


def _published() -> dict[str, dict[str, Any]]:
    return {name: schema for service in SERVICES for name, schema in event_schemas(service).items()}


class TestCheckedInSchemas:
    def test_are_what_the_services_publish(self) -> None:
        checked_in = {
            path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.schema.json")
        }
        assert checked_in == {
            f"{name}.schema.json": schema for name, schema in _published().items()
        }, "run `make contracts` and look at what changed"

    def test_are_valid_json_schema(self) -> None:
        assert _published()
        for schema in _published().values():
            Draft202012Validator.check_schema(schema)

    def test_name_each_event_once(self) -> None:
        names = [name for service in SERVICES for name in event_schemas(service)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("service", SERVICES)
class TestConsumer:
    def test_takes_all_that_the_publisher_gives(self, service: str) -> None:
        published = _published()
        views = event_schemas(service, consumed=True)
        assert {n: list(misfits(published[n], v)) for n, v in views.items()} == {
            n: [] for n in views
        }

    def test_is_on_the_list_of_each_event_it_handles_and_of_no_other(self, service: str) -> None:
        sent = {name for name, schema in _published().items() if service in schema["x-consumers"]}
        assert sent == set(event_schemas(service, consumed=True))


class TestMisfits:
    GIVEN = {
        "type": "object",
        "required": ["id", "total"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "total": {"type": "string"},
            "note": {"type": "string"},
            "lines": {
                "type": "array",
                "items": {"type": "object", "required": [], "properties": {}},
            },
        },
    }

    @pytest.mark.parametrize(
        ("taken", "reason"),
        [
            ({"required": ["note"]}, "#/note: is taken for granted, and may be missing"),
            (
                {"properties": {"total": {"type": "number"}}},
                "#/total: string is given, number is taken",
            ),
            (
                {"properties": {"note": {"type": "string", "format": "uuid"}}},
                "#/note: format None is given, uuid is taken",
            ),
            (
                {"properties": {"lines": {"type": "array", "items": {"required": ["sku"]}}}},
                "#/lines/*/sku: is taken for granted, and may be missing",
            ),
            (
                {"properties": {"total": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
                "#/total: string is given, integer is taken",
            ),
        ],
    )
    def test_are_found(self, taken: dict[str, Any], reason: str) -> None:
        assert list(misfits(self.GIVEN, taken)) == [reason]

    def test_are_none_in_a_view_of_fewer_fields(self) -> None:
        assert list(misfits(self.GIVEN, {"type": "object", "required": ["id"]})) == []
