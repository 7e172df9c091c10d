"""Reads a compose file as docker compose does, as far as ours go: include, extends, anchors, variables."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

KINDS: Final = ("services", "networks", "volumes", "secrets", "configs")
# `extends` puts these in the place of the former ones; all other lists grow.
REPLACED: Final = frozenset({"command", "entrypoint", "test"})
_VARIABLE: Final = re.compile(
    r"\$(?:\$|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<word>(?:\$\{[^{}]*\}|[^}])*))?\})"
)


@dataclass(frozen=True, slots=True)
class Project:
    """A compose file with all that it includes.

    `services` have their variables put in, `written` have them as they are in the file.
    """

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    """The file of each service."""


def read(path: Path, variables: Mapping[str, str] | None = None) -> Project:
    """Return the project of a compose file.

    Raises: KeyError for a variable that is demanded (`${NAME:?}`) and not given, ValueError when two
    files define a thing differently, or say what paths are relative to.
    """
    project = Project()
    _add(project, [path.resolve()], dict(variables or {}))
    return project


def _add(project: Project, paths: list[Path], variables: Mapping[str, str]) -> None:
    """Add files that are laid over each other, and what they include."""
    first = paths[0]
    documents = [_document(path.read_text(encoding="utf-8")) for path in paths]
    for included in [one for document in documents for one in document.get("include") or ()]:
        if isinstance(included, dict) and included.keys() != {"path"}:
            raise ValueError(f"{first.name} includes with more than a path")
        names = included["path"] if isinstance(included, dict) else included
        more = [names] if isinstance(names, str) else names
        _add(project, [first.parent / interpolate(name, variables) for name in more], variables)
    for kind in KINDS:
        both: dict[str, Any] = {}
        for path, document in zip(paths, documents, strict=True):
            for name, value in (document.get(kind) or {}).items():
                own = _extended(value or {}, path) if kind == "services" else value or {}
                both[name] = merge(both[name], own) if name in both else own
        for name, written in both.items():
            _put(getattr(project, kind), name, _interpolated(written, variables), first)
            if kind == "services":
                project.written[name] = written
                project.places[name] = first


@functools.lru_cache
def _document(text: str) -> dict[str, Any]:
    return yaml.safe_load(text) or {}


def _put(things: dict[str, dict[str, Any]], name: str, value: dict[str, Any], path: Path) -> None:
    if things.setdefault(name, value) != value:
        raise ValueError(f"{path.name} defines {name} in another way than a file before")


def _extended(service: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a service with what it extends."""
    extends = service.get("extends")
    if not extends:
        return service
    extends = {"service": extends} if isinstance(extends, str) else extends
    file = (path.parent / extends["file"]).resolve() if "file" in extends else path
    if file.parent != path.parent:
        raise ValueError(
            f"{path.name} extends a file of another folder, and paths in it mean others"
        )
    document = _document(file.read_text(encoding="utf-8"))
    base = _extended(document["services"][extends["service"]], file)
    own = {name: value for name, value in service.items() if name != "extends"}
    merged: dict[str, Any] = merge(base, own)
    return merged


def merge(base: Any, own: Any, name: str = "") -> Any:
    """Return what `extends` makes of two values."""
    if isinstance(base, dict) and isinstance(own, dict):
        both = {key: merge(base[key], own[key], key) for key in base.keys() & own.keys()}
        return {**base, **own, **both}
    if isinstance(base, list) and isinstance(own, list) and name not in REPLACED:
        targets = {_target(one, name) for one in own}
        return [*(one for one in base if _target(one, name) not in targets), *own]
    return own


def _target(one: Any, name: str) -> str:
    """Return what there can be one of in a list: a place in the container, or the whole entry."""
    if isinstance(one, dict):
        return str(one.get("target") or one.get("source") or one)
    parts = str(one).split(":")
    if name == "tmpfs":
        return parts[0]
    return parts[1] if name == "volumes" and len(parts) > 1 else str(one)


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _interpolated(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [_interpolated(one, variables) for one in value]
    if isinstance(value, str):
        return interpolate(value, variables)
    return value


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its variables put in.

    Raises: KeyError for a variable that is demanded and not given.
    """

    def put_in(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, how, word = match["bare"] or match["name"], match["how"] or "", match["word"] or ""
        value = variables.get(name)
        is_given = bool(value) if how.startswith(":") else value is not None
        if how.endswith("+"):
            return word if is_given else ""
        if is_given:
            return value or ""
        if how.endswith("?"):
            raise KeyError(f"{name} {word}")
        return interpolate(word, variables) if how.endswith("-") else ""

    return _VARIABLE.sub(put_in, text)


# What a service says, in one of the several forms that compose takes.


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a service."""
    return as_mapping(service.get("environment"))


def as_mapping(value: Any) -> dict[str, str]:
    """Return a mapping that may be written as a list of `name=value`."""
    if isinstance(value, list):
        return {name: text for name, _, text in (str(one).partition("=") for one in value)}
    return {name: "" if text is None else str(text) for name, text in (value or {}).items()}


def names(value: Any) -> set[str]:
    """Return the names in a list or a mapping, as of `networks` or `depends_on`."""
    return {str(one.get("source")) if isinstance(one, dict) else str(one) for one in value or ()}


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume, a bind or a tmpfs of a service."""

    kind: str
    source: str
    target: str
    is_read_only: bool


def mounts(service: Mapping[str, Any]) -> list[Mount]:
    """Return what is mounted by `volumes`."""
    found = []
    for one in service.get("volumes") or ():
        if isinstance(one, dict):
            source, target = str(one.get("source", "")), str(one["target"])
            found.append(Mount(one["type"], source, target, bool(one.get("read_only"))))
            continue
        source, target, *options = [*str(one).split(":"), ""][:3]
        kind = "bind" if source[:1] in {"/", ".", "~"} else "volume"
        found.append(Mount(kind, source, target, "ro" in ",".join(options).split(",")))
    return found


_UNITS: Final = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(duration: object) -> float:
    """Return the seconds of a duration such as 1m30s."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", str(duration))
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
