"""The JSON Schema of an event's data, made from its dataclass, and of the envelope around it."""

import inspect
from typing import Any, Final

import msgspec

from chassis.events import declarations
from chassis.events.envelope import Envelope, schema_uri

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def published() -> dict[str, dict[str, Any]]:
    """Return the schema of each event that this service publishes, by name."""
    return {
        name: {
            "$schema": DIALECT,
            "$id": schema_uri(name, declaration.version),
            "title": name,
            "x-version": declaration.version,
            "x-subject": declaration.subject,
            "x-consumers": list(declaration.consumers),
            **schema_of(declaration.payload),
        }
        for name, declaration in sorted(declarations.published().items())
    }


def consumed() -> dict[str, dict[str, Any]]:
    """Return the schema of this service's view of each event it handles, by name."""
    return {name: schema_of(payload) for name, payload in sorted(declarations.consumed().items())}


def handlers() -> dict[str, list[dict[str, str]]]:
    """Return what this service does with each event it handles: consumer, what it does, and order."""
    return {
        name: [
            {
                "consumer": one.consumer,
                "does": inspect.getdoc(one.handler) or "",
                "order": one.order.value,
            }
            for one in declarations.subscriptions_of(name)
        ]
        for name in sorted(declarations.consumed())
    }


def envelope() -> dict[str, Any]:
    """Return the schema of the envelope that each event travels in."""
    return {"$schema": DIALECT, "$id": "urn:souk:event-envelope", **schema_of(Envelope)}


def schema_of(payload: type) -> dict[str, Any]:
    """Return the schema of a class with no reference left in it."""
    (schema,), components = msgspec.json.schema_components([payload], ref_template="{name}")
    resolved: dict[str, Any] = _resolve(schema, components)
    return resolved


def _resolve(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _resolve(components[schema["$ref"]], components)
        # A class's name is no part of the contract.
        return {key: _resolve(value, components) for key, value in schema.items() if key != "title"}
    if isinstance(schema, list):
        return [_resolve(value, components) for value in schema]
    return schema
