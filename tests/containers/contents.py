"""What is in an image, and what should be."""

import functools
import json
import re
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings.variables import CATALOG, SERVICES
from tests.containers.engine import docker
from tests.system.platform import ROOT

# Settings that no container needs, and those that one service's does.
_NO_SETTINGS: Final = {"document.py"}
_SETTINGS_OF_ONE: Final = {"storage.py": CATALOG}
BILL: Final = "/usr/share/souk/sbom.cdx.json"
LEFT_OUT: Final = frozenset({"click-repl", "prompt-toolkit", "wcwidth", "pygments"})
"""Locked packages that only command lines need (Dockerfile)."""
_WALK: Final = """
import json, os
found = []
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = [one for one in folders if one not in {"proc", "sys", "dev"}]
    found += [os.path.join(folder, one) for one in files]
    found += [os.path.join(folder, one) for one in folders if os.path.islink(os.path.join(folder, one))]
print(json.dumps(found))
"""
_PACKAGES: Final = """
import json
from importlib.metadata import distributions
print(json.dumps({one.metadata["Name"]: one.version for one in distributions(path=["%s"])}))
"""


def run_python(image: str, code: str, *options: str) -> str:
    """Run Python in a new container of an image; return what it printed."""
    arguments = (
        "--rm",
        "--network",
        "none",
        *options,
        "--entrypoint",
        "python3",
        image,
        "-c",
        code,
    )
    return docker("run", *arguments).stdout


@functools.lru_cache
def files(image: str) -> frozenset[str]:
    """Return every file and link of an image."""
    return frozenset(json.loads(run_python(image, _WALK, "--user", "0:0")))


def packages(image: str) -> dict[str, str]:
    """Return the versions of what is installed, by name."""
    (site,) = {
        one.rpartition("/site-packages/")[0] + "/site-packages"
        for one in files(image)
        if re.match(r"/opt/venv/lib/python3[^/]*/site-packages/django/__init__\.py$", one)
    }
    found: dict[str, str] = json.loads(run_python(image, _PACKAGES % site))
    return {canonical(name): version for name, version in found.items()}


def locked(service: str, python: str) -> dict[str, str]:
    """Return what the lock of a service names for Linux and a version of Python."""
    text = (ROOT / "requirements" / f"{service}.txt").read_text(encoding="utf-8")
    environment: dict[str, Any] = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    found: dict[str, str] = {}
    for line in re.findall(r"^[\w.\[\]-]+==[^\\\n]+", text, re.MULTILINE):
        requirement = Requirement(line.strip())
        marker: Marker | None = requirement.marker
        if marker is None or marker.evaluate(environment):
            found[canonical(requirement.name)] = str(requirement.specifier).lstrip("=")
    return found


def canonical(name: str) -> str:
    """Return a package's name in the one form in which names are compared (PEP 503)."""
    return str(canonicalize_name(name))


def own_files(service: str) -> set[str]:
    """Return the files of the checkout that a service's image is to hold, under /app.

    Static files are not among them: those are collected.
    """
    foreign = {f"{other}.py" for other in others(service)}
    foreign |= {name for name, owner in _SETTINGS_OF_ONE.items() if owner != service}
    settings = {path.name for path in (ROOT / "settings").glob("*.py")} - foreign - _NO_SETTINGS
    return {
        "/app/manage.py",
        "/app/apps/__init__.py",
        *(f"/app/settings/{name}" for name in settings),
        *_under(ROOT / "chassis"),
        *_under(ROOT / "apps" / f"{service}_service"),
    }


def others(service: str) -> tuple[str, ...]:
    """Return the other services."""
    return tuple(one for one in SERVICES if one != service)


def _under(folder: Path) -> set[str]:
    return {
        f"/app/{path.relative_to(ROOT)}"
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", "static"} & set(path.parts)
    }
