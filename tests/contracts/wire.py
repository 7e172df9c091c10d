"""What goes over the wire, held against the contracts."""

import json
import string
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.contracts.services import CONTRACTS


@cache
def schema_of(name: str) -> dict[str, Any]:
    """Return the checked-in schema of an event's data."""
    found: dict[str, Any] = json.loads((CONTRACTS / "events" / f"{name}.schema.json").read_text())
    return found


@cache
def _validators(name: str) -> tuple[Draft202012Validator, Draft202012Validator]:
    formats = Draft202012Validator.FORMAT_CHECKER
    own = json.loads((CONTRACTS / "envelope.schema.json").read_text())
    return (
        Draft202012Validator(own, format_checker=formats),
        Draft202012Validator(schema_of(name), format_checker=formats),
    )


def validate(message: dict[str, Any]) -> None:
    """Hold an envelope against its contract and CloudEvents 1.0; raise what is wrong."""
    of_envelope, of_data = _validators(message["type"])
    of_envelope.validate(message)
    of_data.validate(message["data"])
    assert message["dataschema"] == schema_of(message["type"])["$id"]
    # Section 3.1: lower-case letters and digits, no more than twenty, and no null.
    for name, value in message.items():
        assert set(name) <= set(string.ascii_lowercase + string.digits), name
        assert len(name) <= 20
        assert value is not None
    for name in ("id", "source", "type", "subject"):
        assert message[name]
