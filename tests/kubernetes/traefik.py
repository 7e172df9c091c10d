"""A real Traefik, and what it made of its configuration."""

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local import gateway
from tests.engines import free_port

_ADDRESS: Final = re.compile(r"TRAEFIK_ENTRYPOINTS_(?P<name>[A-Z]+)_ADDRESS")


@dataclass(frozen=True)
class Traefik:
    """A running Traefik: the port of each entry point."""

    ports: Mapping[str, int]

    def configuration(self) -> dict[str, Any]:
        """Return routers, middlewares and services as Traefik tells them."""
        url = f"http://127.0.0.1:{self.ports['traefik']}/api/rawdata"
        with urllib.request.urlopen(url, timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def running(variables: Mapping[str, str], log: Path) -> Iterator[Traefik]:
    """Run Traefik with these variables, on ports of its own, until it has routers of ours."""
    given = [match["name"].lower() for match in map(_ADDRESS.fullmatch, variables) if match]
    traefik = Traefik({name: free_port() for name in [*given, "traefik"]})
    own = {
        "TRAEFIK_API": "true",
        "TRAEFIK_API_INSECURE": "true",
        **{
            f"TRAEFIK_ENTRYPOINTS_{name.upper()}_ADDRESS": f"127.0.0.1:{port}"
            for name, port in traefik.ports.items()
        },
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [gateway.binary()], env={**variables, **own}, stdout=output, stderr=output
        )
    try:
        _wait(traefik, log)
        yield traefik
    finally:
        process.kill()  # SIGTERM would let it serve on for twenty seconds, as in a cluster
        process.wait(timeout=30)


def _wait(traefik: Traefik, log: Path) -> None:
    """Wait for routers; in a cluster Traefik asks for ten lists at once and then five a second."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        try:
            names = traefik.configuration()["routers"]
        except OSError:
            names = {}
        if any(not name.endswith("@internal") for name in names):
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def comparable(told: dict[str, Any]) -> dict[str, Any]:
    """Return what counts of a configuration, by names that do not tell where it comes from."""
    services = told["services"]
    routers = {
        f"{router.get('entryPoints')} {router['rule']}": {
            "priority": router["priority"],
            "middlewares": [_plain(name) for name in router.get("middlewares", [])],
            "service": _service(router.get("service"), services),
            "children of": bool(router.get("parentRefs")),
        }
        for name, router in told["routers"].items()
        if not name.endswith("@internal")
    }
    middlewares = {}
    for name, middleware in told["middlewares"].items():
        if not name.endswith("@internal"):
            kept = {k: v for k, v in middleware.items() if k not in {"status", "usedBy"}}
            if "errors" in kept:
                kept["errors"]["service"] = _service(kept["errors"]["service"], services)
            middlewares[_plain(name)] = kept
    return {"routers": routers, "middlewares": middlewares}


def _plain(name: str) -> str:
    return re.sub(r"^souk_", "", name.partition("@")[0])


def _service(name: str | None, services: Mapping[str, Any]) -> str | None:
    """Return the service of ours that a load balancer is for."""
    if name is None:
        return None
    full = name if "@" in name else f"{name}@kubernetescrd"
    metadata = services.get(full, {}).get("observability", {}).get("metadata", {})
    found: str = metadata.get("kubernetes", {}).get("name", _plain(name))
    return found.removesuffix("-web")
