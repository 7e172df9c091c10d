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
DOCUMENTS: Final = (*SERVICES, *(f"{service}-internal" for service in SERVICES))
"""The OpenAPI documents: of each service's public paths, and of what services ask of each other."""

__all__ = [
    "CONTRACTS",
    "DOCUMENTS",
    "ROOT",
    "SERVICES",
    "declared",
    "openapi",
    "problems",
    "published",
    "views",
]


@cache
def _asked(service: str) -> dict[str, str]:
    """Return what a service's commands print; fail with what they say if one fails or warns."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.environment", service),
            *("python", "-m", "tests.contracts.asked"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def declared(service: str) -> dict[str, Any]:
    """Return what a service declares of events: published, consumed, handlers, and the envelope."""
    found: dict[str, Any] = json.loads(_asked(service)["events"])
    return found


def problems(service: str) -> dict[str, dict[str, Any]]:
    """Return which problems a service may answer: status, title and what their errors' docstrings say, by code."""
    found: dict[str, dict[str, Any]] = json.loads(_asked(service)["problems"])
    return found


def published() -> dict[str, dict[str, Any]]:
    """Return the schema of each event of any service, by name."""
    return {name: s for one in SERVICES for name, s in declared(one)["published"].items()}


def views() -> dict[str, dict[str, Any]]:
    """Return each service's views of the events that it handles."""
    return {service: declared(service)["consumed"] for service in SERVICES}


def openapi(document: str) -> str:
    """Return an OpenAPI document, one of DOCUMENTS; a warning of the generator is a failure."""
    service, _, part = document.partition("-")
    return _asked(service)[part or "public"]
