"""Does one JSON Schema take everything that another one gives?"""

from collections.abc import Iterator
from typing import Any


def misfits(given: dict[str, Any], taken: dict[str, Any], pointer: str = "#") -> Iterator[str]:
    """Yield each reason why data valid under `given` might not be valid under `taken`.

    Knows what the events' schemas are made of: objects, arrays, scalar types, formats and enums.
    """
    if "anyOf" in given or "anyOf" in taken:
        yield from _alternatives(given, taken, pointer)
        return
    if taken.get("type") not in {None, given.get("type")}:
        yield f"{pointer}: {given.get('type')} is given, {taken['type']} is taken"
        return
    for keyword in ("format", "enum", "const"):
        if keyword in taken and taken[keyword] != given.get(keyword):
            yield f"{pointer}: {keyword} {given.get(keyword)} is given, {taken[keyword]} is taken"
    for name in taken.get("required", []):
        if name not in given.get("required", []):
            yield f"{pointer}/{name}: is taken for granted, and may be missing"
    for name, schema in taken.get("properties", {}).items():
        if name in given.get("properties", {}):
            yield from misfits(given["properties"][name], schema, f"{pointer}/{name}")
    if "items" in taken:
        yield from misfits(given.get("items", {}), taken["items"], f"{pointer}/*")


def _alternatives(given: dict[str, Any], taken: dict[str, Any], pointer: str) -> Iterator[str]:
    for one in given.get("anyOf", [given]):
        reasons = [list(misfits(one, other, pointer)) for other in taken.get("anyOf", [taken])]
        if all(reasons):
            yield from reasons[0]
