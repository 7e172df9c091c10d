"""What breaks those who call our APIs: two OpenAPI 3.0 documents of one service, compared."""

from collections.abc import Iterator
from typing import Any, Final

from tests.contracts.compatibility import misfits, removed

Document = dict[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ADVICE: Final = "Keep what was, or raise VERSION in SPECTACULAR_SETTINGS and serve both."


def breaks(released: Document, generated: Document) -> Iterator[str]:
    """Yield a sentence for each call that a client of the last release could no longer make."""
    if int(generated["info"]["version"]) > int(released["info"]["version"]):
        return
    calls = dict(_calls(generated))
    for name, before in _calls(released):
        after = calls.get(name)
        for reason in ["is gone"] if after is None else _changes(before, after):
            yield f"{name} {reason}. {_ADVICE}"


def _calls(document: Document) -> Iterator[tuple[str, Document]]:
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                yield f"{method.upper()} {path}", plain(operations[method], document)


def _changes(before: Document, after: Document) -> Iterator[str]:
    yield from _parameters(before, after)
    yield from _request(before.get("requestBody"), after.get("requestBody"))
    yield from _responses(before["responses"], after["responses"])
    if {} in before.get("security", [{}]) and {} not in after.get("security", [{}]):
        yield "now wants a token"


def _parameters(before: Document, after: Document) -> Iterator[str]:
    had, has = ({(p["in"], p["name"]): p for p in o.get("parameters", [])} for o in (before, after))
    for (place, name), parameter in had.items():
        if (place, name) not in has:
            yield f"no longer takes {name} in the {place}"
            continue
        for reason in misfits(parameter["schema"], has[place, name]["schema"]):
            yield f"takes less of {name} in the {place} ({reason})"
    for (place, name), parameter in has.items():
        if parameter.get("required") and not had.get((place, name), {}).get("required"):
            yield f"now wants {name} in the {place}"


def _request(before: Document | None, after: Document | None) -> Iterator[str]:
    if after is None:
        if before is not None:
            yield "no longer takes a body"
        return
    if after.get("required") and not (before or {}).get("required"):
        yield "now wants a body"
    for kind, content in (before or {}).get("content", {}).items():
        if kind not in after["content"]:
            yield f"no longer takes {kind}"
            continue
        given, taken = content["schema"], after["content"][kind]["schema"]
        for reason in (*removed(given, taken), *misfits(given, taken)):
            yield f"takes less in the body ({reason})"


def _responses(before: Document, after: Document) -> Iterator[str]:
    for status, response in before.items():
        if status not in after:
            yield f"no longer answers {status}"
            continue
        for name in response.get("headers", {}).keys() - after[status].get("headers", {}).keys():
            yield f"no longer answers {status} with {name}"
        for kind, content in response.get("content", {}).items():
            if kind not in after[status].get("content", {}):
                yield f"no longer answers {status} with {kind}"
                continue
            had, has = content["schema"], after[status]["content"][kind]["schema"]
            for reason in dict.fromkeys((*removed(had, has), *misfits(has, had))):
                yield f"answers {status} otherwise ({reason})"


def plain(part: Any, document: Document, within: tuple[str, ...] = ()) -> Any:
    """Return a part of a document in JSON Schema's terms, with no reference left but of what holds itself.

    OpenAPI 3.0 writes null, and a reference with something beside it, in ways of its own.
    """
    if isinstance(part, list):
        return [plain(one, document, within) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        pointer = part["$ref"]
        if pointer in within:
            return {"$ref": pointer}
        _, _, kind, name = pointer.split("/")
        return plain(document["components"][kind][name], document, (*within, pointer))
    made = {name: plain(one, document, within) for name, one in part.items()}
    if isinstance(made.get("allOf"), list):
        made = _merged([*made.pop("allOf"), made])
    if isinstance(made.get("oneOf"), list):
        made["anyOf"] = made.pop("oneOf")
    if made.get("nullable") is True:
        del made["nullable"]
        made = {"anyOf": [*made.get("anyOf", [made]), {"type": "null"}]}
    return made


def _merged(schemas: list[Document]) -> Document:
    whole: Document = {}
    for schema in schemas:
        whole |= {
            **schema,
            "properties": {**whole.get("properties", {}), **schema.get("properties", {})},
            "required": [*whole.get("required", []), *schema.get("required", [])],
        }
    return whole
