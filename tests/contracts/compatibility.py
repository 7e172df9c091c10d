"""Does one JSON Schema take everything that another one gives?"""

from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_AT_LEAST: Final = ("minimum", "minLength", "minItems")
_AT_MOST: Final = ("maximum", "maxLength", "maxItems")
_STRUCTURE: Final = frozenset({"anyOf", "type", "enum", "required", "properties", "items"})
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "example", "examples", "deprecated"}
    | {"$schema", "$id", "readOnly", "writeOnly"}
)
"""What says nothing of which data are valid; so does all that begins with x-."""


def misfits(given: Schema, taken: Schema, pointer: str = "#") -> Iterator[str]:
    """Yield each reason why data valid under `given` might not be valid under `taken`.

    Knows what the events' schemas and the APIs' are made of; of a keyword that it does not know it
    wants the same on both sides.
    """
    if "anyOf" in given or "anyOf" in taken:
        yield from _alternatives(given, taken, pointer)
        return
    if taken.get("type") not in {None, given.get("type")} and not _is_integer_of(given, taken):
        yield f"{pointer}: {given.get('type')} is given, {taken['type']} is taken"
        return
    yield from _values(given, taken, pointer)
    for name in taken.get("required", []):
        if name not in given.get("required", []):
            yield f"{pointer}/{name}: is taken for granted, and may be missing"
    for name, schema in taken.get("properties", {}).items():
        if name in given.get("properties", {}):
            yield from misfits(given["properties"][name], schema, f"{pointer}/{name}")
    if "items" in taken:
        yield from misfits(given.get("items", {}), taken["items"], f"{pointer}/*")


def _is_integer_of(given: Schema, taken: Schema) -> bool:
    return (given.get("type"), taken["type"]) == ("integer", "number")


def _values(given: Schema, taken: Schema, pointer: str) -> Iterator[str]:
    """Yield what single values of the same type are not taken."""
    if "enum" in taken:
        for value in given.get("enum", ["any other"]):
            if value not in taken["enum"]:
                yield f"{pointer}: {value} is given, only {taken['enum']} is taken"
    for keywords, is_within in ((_AT_LEAST, int.__ge__), (_AT_MOST, int.__le__)):
        for keyword in keywords:
            if keyword in taken and not (
                keyword in given and is_within(given[keyword], taken[keyword])
            ):
                yield f"{pointer}: {keyword} {given.get(keyword)} is given, {taken[keyword]} is taken"
    known = _STRUCTURE | _ANNOTATIONS | {*_AT_LEAST, *_AT_MOST}
    for keyword in taken.keys() - known:
        if not keyword.startswith("x-") and taken[keyword] not in ({}, given.get(keyword)):
            yield f"{pointer}: {keyword} {given.get(keyword)} is given, {taken[keyword]} is taken"


def _alternatives(given: Schema, taken: Schema, pointer: str) -> Iterator[str]:
    for one in given.get("anyOf", [given]):
        reasons = [list(misfits(one, other, pointer)) for other in taken.get("anyOf", [taken])]
        if all(reasons):
            yield from reasons[0]


def removed(before: Schema, after: Schema, pointer: str = "#") -> Iterator[str]:
    """Yield each field that one schema described and the other one does not, optional ones too."""
    fields = _fields(after)
    for name, schema in _fields(before).items():
        if name not in fields:
            yield f"{pointer}/{name}: is gone"
        else:
            yield from removed(schema, fields[name], f"{pointer}/{name}")
    for one in before.get("anyOf", [before]):
        if "items" in one:
            items = [other["items"] for other in after.get("anyOf", [after]) if "items" in other]
            yield from removed(one["items"], items[0] if items else {}, f"{pointer}/*")


def _fields(schema: Schema) -> Schema:
    return {
        name: field
        for one in schema.get("anyOf", [schema])
        for name, field in one.get("properties", {}).items()
    }
