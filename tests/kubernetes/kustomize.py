"""The part of kustomize that deploy/kubernetes uses, for machines without kubectl.

A key that is not known here raises. Where kubectl is, a test compares what both make.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

Document = dict[str, Any]

# Fields that name a resource of some kind: what a prefix of the name changes too.
_REFERENCES: Final = (
    ("serviceAccountName", None, "ServiceAccount"),
    ("configMapRef", "name", "ConfigMap"),
    ("scaleTargetRef", "name", "Deployment"),
)
_LIST_KEYS: Final = {
    ("Service", "ports"): "port",
    ("Deployment", "ports"): "containerPort",
    ("Deployment", "containers"): "name",
    ("Deployment", "volumes"): "name",
    ("Deployment", "volumeMounts"): "mountPath",
    ("Deployment", "env"): "name",
}
_CLUSTER_KINDS: Final = ("Namespace",)


def render(folder: Path) -> list[Document]:
    """Return what `kubectl kustomize FOLDER` prints, in no particular order.

    Raises: ValueError for a kustomization that this cannot render, and for a patch that changes nothing.
    """
    steps = yaml.safe_load((folder / "kustomization.yaml").read_text())
    documents = [one for name in steps.pop("resources") for one in _read(folder / name)]
    for name in ("apiVersion", "kind"):
        steps.pop(name)
    for name in sorted(steps, key=_ORDER.index):
        documents = _STEPS[name](documents, steps[name], folder)
    return documents


def _read(path: Path) -> list[Document]:
    return render(path) if path.is_dir() else load(path.read_text())


def load(text: str) -> list[Any]:
    """Return the documents of YAML, each free of what it shared by anchors."""
    return [json.loads(json.dumps(one)) for one in yaml.safe_load_all(text) if one]


def _patch(documents: list[Document], patches: Sequence[Any], folder: Path) -> list[Document]:
    for entry in patches:
        text = entry.get("patch") or (folder / entry["path"]).read_text()
        for change in load(text):
            target = entry.get("target") or _named_by(change)
            chosen = [one for one in documents if _is_target(one, target)]
            if not chosen:
                raise ValueError(f"{folder.name}: a patch finds nothing to change: {target}")
            for one in chosen:
                if isinstance(change, list):
                    for operation in change:
                        _operate(one, operation)
                elif change.get("$patch") == "delete":
                    documents.remove(one)
                else:
                    meant = {**change, "metadata": one["metadata"]}
                    _merge(one, meant, kind=one["kind"])
    return documents


def _named_by(change: Document) -> dict[str, str]:
    return {"kind": change["kind"], "name": re.escape(change["metadata"]["name"])}


def _is_target(document: Document, target: dict[str, str]) -> bool:
    found = {"kind": document["kind"], "name": document["metadata"]["name"]}
    return all(re.fullmatch(pattern, found[field]) for field, pattern in target.items())


def _operate(document: Document, operation: dict[str, Any]) -> None:
    """Apply one operation of a JSON Patch (RFC 6902)."""
    *path, last = operation["path"].removeprefix("/").split("/")
    at: Any = document
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if isinstance(at, list) and operation["op"] == "add":
        at.insert(len(at) if last == "-" else int(last), operation["value"])
        return
    key = int(last) if isinstance(at, list) else last
    if operation["op"] not in {"add", "replace"} or (
        operation["op"] == "replace" and key not in at and isinstance(at, dict)
    ):
        raise ValueError(f"cannot {operation['op']} {operation['path']}")
    at[key] = operation["value"]


def _merge(into: Any, change: dict[str, Any], *, kind: str) -> None:
    """Merge a strategic merge patch."""
    for name, value in change.items():
        key = _LIST_KEYS.get((kind, name))
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value, kind=kind)
        elif isinstance(value, list) and key and name in into:
            into[name] = _merge_lists(into[name], value, key=key, kind=kind)
        else:
            into[name] = value


def _merge_lists(into: list[Any], change: list[Any], *, key: str, kind: str) -> list[Any]:
    """Merge lists whose items have a name: what the patch has comes first, as kustomize does it."""
    old = {one[key]: one for one in into}
    for item in change:
        _merge(old.setdefault(item[key], {}), item, kind=kind)
    first = [item[key] for item in change]
    return [old[name] for name in [*first, *(n for n in old if n not in first)]]


def _namespace(documents: list[Document], name: str, _: Path) -> list[Document]:
    for one in documents:
        if one["kind"] not in _CLUSTER_KINDS:
            one["metadata"]["namespace"] = name
    return documents


def _prefix(documents: list[Document], prefix: str, _: Path) -> list[Document]:
    known = {(one["kind"], one["metadata"]["name"]) for one in documents}
    for one in documents:
        one["metadata"]["name"] = prefix + one["metadata"]["name"]
        for holder in _dicts(one):
            for field, inner, kind in _REFERENCES:
                at, key = (holder.get(field, {}), inner) if inner else (holder, field)
                if (kind, at.get(key)) in known:
                    at[key] = prefix + at[key]
    return documents


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Walk through all objects within one."""
    if isinstance(value, dict):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _dicts(inner)


def _labels(documents: list[Document], entries: Sequence[Any], _: Path) -> list[Document]:
    for entry in entries:
        pairs, selects = entry["pairs"], entry.get("includeSelectors", False)
        for one in documents:
            one["metadata"].setdefault("labels", {}).update(pairs)
            for labels in _inner_labels(
                one, selects, selects or entry.get("includeTemplates", False)
            ):
                labels.update(pairs)
    return documents


def _inner_labels(document: Document, selects: bool, templates: bool) -> Iterator[dict[str, str]]:
    kind, spec = document["kind"], document.get("spec", {})
    if templates and "template" in spec:
        yield spec["template"]["metadata"].setdefault("labels", {})
    if not selects:
        return
    if kind == "Service":
        yield spec["selector"]
    for holder in _dicts(spec):
        for field in ("podSelector", "labelSelector", "selector"):
            if isinstance(holder.get(field), dict) and "matchLabels" in holder[field]:
                yield holder[field]["matchLabels"]


def _images(documents: list[Document], entries: Sequence[Any], _: Path) -> list[Document]:
    for entry in entries:
        for holder in _dicts(documents):
            name, _colon, tag = str(holder.get("image", "")).partition(":")
            if name == entry["name"]:
                tag = str(entry.get("newTag", tag))
                holder["image"] = entry.get("newName", name) + (f":{tag}" if tag else "")
    return documents


def _replicas(documents: list[Document], entries: Sequence[Any], _: Path) -> list[Document]:
    for entry in entries:
        (one,) = [
            d
            for d in documents
            if d["kind"] == "Deployment" and d["metadata"]["name"] == entry["name"]
        ]
        one["spec"]["replicas"] = entry["count"]
    return documents


_STEPS: Final[dict[str, Callable[[list[Document], Any, Path], list[Document]]]] = {
    "patches": _patch,
    "namespace": _namespace,
    "namePrefix": _prefix,
    "labels": _labels,
    "replicas": _replicas,
    "images": _images,
}
_ORDER: Final = list(_STEPS)
