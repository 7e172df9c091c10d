"""The events' schemas: as checked in, and enough for whoever consumes them."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contracts import catalogue, events
from tests.contracts.compatibility import misfits
from tests.contracts.services import CONTRACTS, SERVICES, declared, published, views

FOLDER = CONTRACTS / "events"


class TestCheckedInSchemas:
    def test_are_what_the_services_publish(self) -> None:
        checked_in = {
            path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.schema.json")
        }
        assert checked_in == {
            f"{name}.schema.json": schema for name, schema in published().items()
        }, "run `make contracts` and look at what changed"

    def test_are_valid_json_schema(self) -> None:
        assert published()
        for schema in published().values():
            Draft202012Validator.check_schema(schema)

    def test_name_each_event_once(self) -> None:
        names = [name for service in SERVICES for name in declared(service)["published"]]
        assert len(names) == len(set(names))

    def test_hold_the_one_envelope_of_all_services(self) -> None:
        checked_in = json.loads((CONTRACTS / "envelope.schema.json").read_text())
        assert [declared(service)["envelope"] for service in SERVICES] == [checked_in] * 3

    def test_say_when_each_event_is_published_and_of_what(self) -> None:
        assert [
            n for n, s in published().items() if not (s["description"] and s["x-subject"])
        ] == []

    def test_demand_an_offset_of_each_time(self) -> None:
        # A naive one has no format: msgspec takes it, and RFC 3339 knows no such thing.
        bare = [
            f"{name} {field}"
            for name, schema in published().items()
            for field, its in schema["properties"].items()
            if field.endswith(("_at", "_before", "_after")) and its.get("format") != "date-time"
        ]
        assert bare == []


@pytest.mark.parametrize("service", SERVICES)
class TestConsumer:
    def test_takes_all_that_the_publisher_gives(self, service: str) -> None:
        found = {n: list(misfits(published()[n], v)) for n, v in views()[service].items()}
        assert found == {name: [] for name in found}

    def test_is_on_the_list_of_each_event_it_handles_and_of_no_other(self, service: str) -> None:
        sent = {name for name, schema in published().items() if service in schema["x-consumers"]}
        assert sent == set(views()[service])

    def test_says_what_each_handler_does(self, service: str) -> None:
        handlers = [h for its in declared(service)["handlers"].values() for h in its]
        assert handlers
        assert [handler["consumer"] for handler in handlers if not handler["does"]] == []

    def test_waits_for_no_event_that_it_is_not_sent(self, service: str) -> None:
        assert list(events.skipped(published(), declared(service)["handlers"])) == []


class TestSkipped:
    def test_are_events_of_one_subject_whatever_their_names(self) -> None:
        schemas = {name: {"x-subject": "product id"} for name in ("product.created", "stock.low")}
        schemas["order.paid"] = {"x-subject": "order id"}
        one = {"consumer": "order.follow", "order": "gapless"}
        (sentence,) = events.skipped(schemas, {"product.created": [one]})
        assert sentence == (
            "order.follow must not skip events of a product id, and does not handle stock.low."
        )
        both = {"product.created": [one], "stock.low": [one]}
        assert list(events.skipped(schemas, both)) == []
        any_order = {**one, "order": "any"}
        assert list(events.skipped(schemas, {"product.created": [any_order]})) == []


class TestPageOfEvents:
    def test_is_what_the_services_declare(self) -> None:
        checked_in = catalogue.PAGE.read_text(encoding="utf-8")
        assert checked_in == catalogue.page(), "run `make contracts` and look at what changed"

    @pytest.mark.parametrize("service", SERVICES)
    def test_shows_examples_that_are_valid(self, service: str) -> None:
        for schema in declared(service)["published"].values():
            validator = Draft202012Validator(
                schema, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
            validator.validate(catalogue.example(schema))

    def test_shows_fields_of_lists_and_choices(self) -> None:
        schema: dict[str, Any] = {
            "required": ["lines"],
            "properties": {
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Why"},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "properties": {"kind": {"enum": ["a", "b"]}},
                    },
                },
            },
        }
        assert list(catalogue._fields(schema)) == [
            ("`lines`", "list of object", ""),
            ("`lines[].kind`", "`a`, `b`", ""),
            ("`note`", "string or null", "may be missing; Why"),
        ]
