"""The engine that `docker` talks to: commands, and what it says of containers and images."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

Finished = subprocess.CompletedProcess[str]


def why_there_is_none() -> str | None:
    """Return the reason for which nothing can be run here, None where all is there."""
    if shutil.which("docker") is None:
        return "there is no docker on the PATH"
    if docker("version", check=False).returncode:
        return "docker reaches no engine"
    if docker("compose", "version", check=False).returncode:
        return "docker has no compose (version 2)"
    return None


def docker(
    *arguments: str,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = 120,
    check: bool = True,
) -> Finished:
    """Run docker; with `check` what it printed is shown when it fails."""
    finished = subprocess.run(
        ["docker", *arguments],
        cwd=folder,
        env=None if variables is None else dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if check:
        said = f"{' '.join(arguments)}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
        assert finished.returncode == 0, said
    return finished


def inspect(*names: str) -> list[dict[str, Any]]:
    """Return what the engine knows of containers or images."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", *names).stdout)
    return found


def state(name: str) -> dict[str, Any]:
    """Return the state of a container."""
    found: dict[str, Any] = inspect(name)[0]["State"]
    return found


def address(name: str, network: str) -> str:
    """Return the address of a container on a network; the name of it ends so."""
    networks = inspect(name)[0]["NetworkSettings"]["Networks"]
    return next(
        str(options["IPAddress"])
        for one, options in networks.items()
        if one.endswith(f"_{network}")
    )


def seconds_to_health(name: str) -> float | None:
    """Return how long after its start a container was first found healthy, None without a check."""
    found = state(name)
    for check in (found.get("Health") or {}).get("Log") or ():
        if check["ExitCode"] == 0:
            return (_time(check["End"]) - _time(found["StartedAt"])).total_seconds()
    return None


def _time(text: str) -> datetime:
    """Read a time that has nanoseconds, which Python does not."""
    whole, _, rest = text.partition(".")
    fraction = "".join(one for one in rest[:6] if one.isdigit())
    zone = "+00:00" if text.endswith("Z") else text[-6:]
    return datetime.fromisoformat(f"{whole}.{fraction.ljust(6, '0')}{zone}")
