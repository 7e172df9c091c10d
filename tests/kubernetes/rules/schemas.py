"""Every field is known, and of its type."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.kubernetes import FOLDER
from tests.kubernetes.manifests import Manifests, label, walk

OLDEST: Final = "1.31"
"""The first Kubernetes in which nothing that is used is alpha."""
NEWEST: Final = "1.37"
_TRAEFIK: Final = "traefik.io/v1alpha1"


def core(manifests: Manifests) -> Iterator[str]:
    """Compare with the schemas of the oldest and the newest Kubernetes, strictly; they let null pass."""
    for document in manifests.documents:
        for holder in walk(document):
            for field, value in holder.items():
                if value is None or (isinstance(value, list) and None in value):
                    yield f"{label(document)}: {field} is null"
        if document.get("apiVersion") != _TRAEFIK:
            for version in (OLDEST, NEWEST):
                problem = _problem(json.dumps(document), version)
                if problem:
                    yield f"{label(document)}: not of Kubernetes {version}: {problem}"


@cache
def _problem(document: str, version: str) -> str | None:
    """Return what is wrong; overlays share most documents."""
    one = json.loads(document)
    group, _, release = (one.get("apiVersion") or "").rpartition("/")
    kind = one.get("kind") or ""
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], release) if part)
    validator = _validator(name, version)
    if validator is None:
        return f"there is no {kind or 'kind'} of {one.get('apiVersion')}"
    error = next(iter(validator.iter_errors(one)), None)
    return f"{error.json_path}: {error.message}" if error else None


@cache
def _validator(name: str, version: str) -> jsonschema.Draft202012Validator | None:
    schema = _schemas(version) / f"{name}.json"
    if not schema.exists():
        return None
    return jsonschema.Draft202012Validator(
        json.loads(schema.read_text()), registry=_definitions(version)
    )


@cache
def _definitions(version: str) -> Registry[Any]:
    """Return what all schemas share: a megabyte, which kubernetes_validate.validate reads for each document."""
    shared = json.loads((_schemas(version) / "_definitions.json").read_text())
    registry: Registry[Any] = DRAFT202012.create_resource(shared) @ Registry()
    return registry.crawl()


def _schemas(version: str) -> Path:
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    return folder / f"v{version}.0-local-strict"


def traefik(manifests: Manifests) -> Iterator[str]:
    """Compare with the fields of Traefik's kinds."""
    schema = _traefik_schema()
    for document in manifests.documents:
        if document.get("apiVersion") != _TRAEFIK:
            continue
        kind = schema["kinds"].get(document.get("kind"))
        if kind is None:
            yield f"{label(document)}: {_TRAEFIK} has no such kind here"
            continue
        validator = jsonschema.Draft202012Validator({**kind, "$defs": schema["$defs"]})
        for error in validator.iter_errors(document.get("spec")):
            yield f"{label(document)}: not of Traefik 3.7: {error.json_path}: {error.message}"


@cache
def _traefik_schema() -> dict[str, Any]:
    (file,) = (FOLDER / "schemas").glob("traefik-*.json")
    schema: dict[str, Any] = json.loads(file.read_text())
    return schema
