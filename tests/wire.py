"""Whatever a service may publish is what its contract says, and whatever the contracts allow it can handle.

A service's own suite imports the classes: they look into its registry (tests/order_service/test_events.py).
"""

import json
import string
from datetime import UTC
from typing import Any, Final

import msgspec
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.events import declarations, envelope, outbox
from chassis.models import OutboxEvent
from tests.contracts.wire import schema_of, validate

_FEW: Final = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# PostgreSQL's jsonb holds any character but NUL, and no half of a surrogate pair.
_TEXT: Final = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_DECIMALS: Final = st.decimals(-(10**12), 10**12, places=2)
_TIMES: Final = st.datetimes(timezones=st.just(UTC))

_BY_FORMAT: Final[dict[str, st.SearchStrategy[Any]]] = {
    "uuid": st.uuids().map(str),
    "decimal": _DECIMALS.map(str),
    "date-time": _TIMES.map(lambda time: time.isoformat()),
}
_BY_TYPE: Final[dict[str, st.SearchStrategy[Any]]] = {
    "string": _TEXT,
    "integer": st.integers(),
    "boolean": st.booleans(),
    "null": st.none(),
}


def data_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of what an event's schema allows, with fields that it does not name."""
    if "anyOf" in schema:
        return st.one_of([data_of(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return st.lists(data_of(schema["items"]), max_size=3)
    if schema["type"] == "object":
        fields = {name: data_of(field) for name, field in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema.get("required", [])}
        more = {f"x_{letter}": st.integers() for letter in string.ascii_lowercase[:2]}
        return st.fixed_dictionaries(needed, optional={**fields, **more})
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE[schema["type"]])


def _published() -> list[str]:
    return sorted(declarations.published())


@pytest.mark.django_db
@pytest.mark.parametrize("name", _published())
class TestPublished:
    def test_is_on_the_wire_what_the_contract_says(self, name: str) -> None:
        declared = declarations.published()[name]
        view = declarations.consumed().get(name)

        @_FEW
        @given(data=data_of(schema_of(name)))
        def check(data: dict[str, Any]) -> None:
            payload: Any = msgspec.convert(data, declared.payload)
            with transaction.atomic():
                row_id = outbox.publish(payload, subject="s")
            row = OutboxEvent.objects.get(id=row_id)
            wire = json.loads(msgspec.json.encode(outbox.envelope_of(row)))
            validate(wire)
            received = envelope.parse(wire)
            assert msgspec.convert(received.data, declared.payload) == payload
            if view is not None:
                msgspec.convert(received.data, view)

        check()


@pytest.mark.parametrize("name", sorted(declarations.consumed()))
class TestView:
    def test_takes_whatever_the_contract_allows(self, name: str) -> None:
        view = declarations.consumed()[name]

        @_FEW
        @given(data=data_of(schema_of(name)))
        def check(data: Any) -> None:
            msgspec.convert(data, view)

        check()
