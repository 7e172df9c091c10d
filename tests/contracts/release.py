"""The contracts of the last release, and what may not become of them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.contracts import apis, events
from tests.contracts.services import CONTRACTS, DOCUMENTS, SERVICES, openapi, published, views

RELEASED: Final = CONTRACTS / "released"


def broken(released: Path = RELEASED) -> Iterator[str]:
    """Yield a sentence for each promise, of the last release or of today's code itself, that is not kept."""
    before = _json_files(released / "events")
    before_views = _json_files(released / "views")
    yield from events.breaks(before, published())
    yield from events.untaken(published(), views())
    yield from events.strangers(before, published(), before_views, views())
    for document in DOCUMENTS:
        path = released / "openapi" / f"{document}.yaml"
        if path.exists():
            generated = yaml.safe_load(openapi(document))
            for sentence in apis.breaks(yaml.safe_load(path.read_text()), generated):
                yield f"{document}: {sentence}"


def _json_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is in a folder by name, without .schema.json or .json."""
    return {
        path.name.removesuffix(".json").removesuffix(".schema"): json.loads(path.read_text())
        for path in sorted(folder.glob("*.json"))
    }


def renew(released: Path = RELEASED) -> None:
    """Make today's contracts those of the last release."""
    shutil.rmtree(released, ignore_errors=True)
    for folder in ("events", "openapi", "views"):
        (released / folder).mkdir(parents=True)
    for name, schema in published().items():
        write_json(released / "events" / f"{name}.schema.json", schema)
    for service in SERVICES:
        write_json(released / "views" / f"{service}.json", views()[service])
    for document in DOCUMENTS:
        (released / "openapi" / f"{document}.yaml").write_text(openapi(document))


def write_json(path: Path, value: Any) -> None:
    """Write a file of JSON that shows changes line by line."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
