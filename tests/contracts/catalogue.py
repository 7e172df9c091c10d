"""docs/events.md: the events for people, made of what the services declare."""

import json
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, Final

from tests.contracts.services import ROOT, SERVICES, declared

PAGE: Final = ROOT / "docs" / "events.md"
TEMPLATE: Final = Path(__file__).with_name("events.md.template")

_ORDER_IDS: Final = {"any": "", "newest": " *(newest)*", "gapless": " *(gapless)*"}
_BY_FORMAT: Final = {
    "uuid": "019b76da-a800-7000-8000-000000000001",
    "date-time": "2026-01-02T03:04:05.678901Z",
    "decimal": "19.90",
}
_BY_TYPE: Final = {"integer": 3, "number": 1.5, "boolean": True, "string": "text", "null": None}
_BY_NAME: Final = {
    "email": "ada@shop.example",
    "currency": "EUR",
    "sku": "LAMP-1",
    "slug": "reading-lamp",
    "name": "Reading lamp",
    "name of a user": "Ada Lovelace",
    "status": "active",
    "role": "staff",
    "number": "2026-000001",
    "reason": "asked for by the customer",
}


def page() -> str:
    """Return the page's text."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    events = "\n\n".join(_publisher(service) for service in SERVICES)
    return template.substitute(envelope=_json(_envelope()), events=events)


def _publisher(service: str) -> str:
    published = declared(service)["published"]
    rows = [
        f"| [`{name}`](#{_anchor(name)}) | {_when(schema)} | {', '.join(schema['x-consumers'])} |"
        for name, schema in published.items()
    ]
    parts = [_event(name, schema) for name, schema in published.items()]
    table = "\n".join([f"## {service}\n", "| event | when | sent to |", "|---|---|---|", *rows])
    return "\n\n".join([table, *parts])


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _when(schema: dict[str, Any]) -> str:
    return " ".join(schema["description"].split())


def _event(name: str, schema: dict[str, Any]) -> str:
    fields = [f"| {field} | {kind} | {need} |" for field, kind, need in _fields(schema)]
    return "\n".join(
        [
            f"### {name}\n",
            f"{_when(schema)} Version {schema['x-version']}. Subject: {schema['x-subject']}.\n",
            *("| field | type | |", "|---|---|---|", *fields, ""),
            *_handlers(name),
            "",
            *("```json", _json(example(schema)), "```"),
        ]
    )


def _fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", [])
    for name in [*required, *(name for name in schema["properties"] if name not in required)]:
        field = schema["properties"][name]
        need = "" if name in required else "may be missing"
        told = "; ".join(part for part in (need, field.get("description", "")) if part)
        kind, inner = _kind(field)
        yield f"`{prefix}{name}`", kind, told
        if inner:
            yield from _fields(inner, f"{prefix}{name}[].")


def _kind(field: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return what a field's values are called, and the schema of its items if they are objects."""
    if "anyOf" in field:
        return " or ".join(_kind(one)[0] for one in field["anyOf"]), None
    if field.get("type") == "array":
        kind, _ = _kind(field["items"])
        return f"list of {kind}", field["items"] if "properties" in field["items"] else None
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"]), None
    return str(field.get("format") or field.get("type", "anything")), None


def _handlers(name: str) -> Iterator[str]:
    for service in SERVICES:
        for handler in declared(service)["handlers"].get(name, []):
            does = " ".join(handler["does"].split())
            yield f"- `{handler['consumer']}`{_ORDER_IDS[handler['order']]}: {does}"


def example(schema: dict[str, Any], name: str = "") -> Any:
    """Return data of a schema that are always the same."""
    if schema.get("default") is not None:
        return schema["default"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], name)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        fields = schema.get("properties", {})
        # The declared order is that of the required ones.
        names = [*schema.get("required", []), *fields]
        return {key: example(fields[key], _whose(key, fields)) for key in dict.fromkeys(names)}
    if schema["type"] == "array":
        return [example(schema["items"])]
    by_name = _BY_NAME.get(name) if schema["type"] == "string" else None
    return _BY_FORMAT.get(schema.get("format", "")) or by_name or _BY_TYPE[schema["type"]]


def _whose(name: str, fields: dict[str, Any]) -> str:
    return "name of a user" if name == "name" and "email" in fields else name


def _envelope() -> dict[str, Any]:
    schema = declared("order")["published"]["order.paid"]
    return {
        "specversion": "1.0",
        "id": "019b76da-a800-7000-8000-00000000000a",
        "source": "urn:souk:service:order",
        "type": "order.paid",
        "subject": _BY_FORMAT["uuid"],
        "time": _BY_FORMAT["date-time"],
        "datacontenttype": "application/json",
        "dataschema": schema["$id"],
        "data": example(schema),
        "sequence": "2",
        "requestid": "019b76da-a800-7000-8000-00000000000b",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
