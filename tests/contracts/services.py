"""What the services themselves say of their contracts."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from settings.env import SERVICES

ROOT: Final = Path(__file__).resolve().parents[2]
CONTRACTS: Final = ROOT / "contracts"
DOCUMENTS: Final = (*SERVICES, "auth-internal", "catalog-internal")
"""The OpenAPI documents: of each service's public paths, and of what services ask of each other."""

__all__ = ["CONTRACTS", "DOCUMENTS", "SERVICES", "event_schemas", "openapi"]


def _manage(service: str, *arguments: str) -> str:
    """Return what a service's command prints; fail with what it says if it fails or warns."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.environment", service, "python", "manage.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def event_schemas(service: str, *, consumed: bool = False) -> dict[str, Any]:
    """Return the service's schemas by event name."""
    printed = _manage(service, "event_schemas", *(["--consumed"] if consumed else []))
    schemas: dict[str, Any] = json.loads(printed)
    return schemas


@cache
def openapi(document: str) -> str:
    """Return an OpenAPI document, one of DOCUMENTS; a warning of the generator is a failure."""
    service, _, part = document.partition("-")
    options = ["--custom-settings", f"chassis.openapi.{part.upper()}"] if part else []
    return _manage(service, "spectacular", "--validate", "--fail-on-warn", *options)
