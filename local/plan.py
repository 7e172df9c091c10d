"""Every process of the platform: what it runs, with which variables, and how it is reached."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from local import gateway, postgres, valkey
from local.configuration import (
    base_environment,
    postgres_url,
    public_url,
    service_variables,
    valkey_url,
)
from local.home import ROOT, SERVICES, Home, Secrets
from local.ports import HOST

ENGINES, APPLICATIONS, GATEWAY = "engines", "services", "gateway"


@dataclass(frozen=True)
class Process:
    """One process; `name` is what supervisord and the log call it."""

    name: str
    group: str
    service: str
    role: str
    url: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 10

    @property
    def title(self) -> str:
        """Return how people are told of it."""
        if self.service == "platform":
            return self.role
        return self.name.replace("-", " ")


@dataclass(frozen=True)
class Plan:
    """A platform as it is, or was, or is to be started."""

    home: Home
    secrets: Secrets = field(repr=False)
    gateway_port: int
    replicas: Mapping[str, int]
    ports: Mapping[str, int]

    @property
    def public_url(self) -> str:
        """Return the gateway's address."""
        return public_url(self.gateway_port)

    @property
    def private_url(self) -> str:
        """Return the address at which services call each other."""
        return f"http://{HOST}:{self.ports['private']}"

    def processes(self) -> list[Process]:
        """Return every process, in the order of their start."""
        engines = [
            Process("postgres", ENGINES, "platform", "postgres", self._postgres_url(), "INT"),
            *(
                Process(role, ENGINES, "platform", role, valkey_url(self.secrets, self.ports[role]))
                for role in ("redis", "cache")
            ),
        ]
        services = [one for service in SERVICES for one in self._service_processes(service)]
        return [
            *engines,
            *services,
            Process("gateway", GATEWAY, "platform", "gateway", self.public_url),
        ]

    def command(self, process: Process) -> tuple[str, ...]:
        """Return the command that becomes the process; it holds no secret."""
        if process.role == "postgres":
            return postgres.command(self.home)
        if process.role in ("redis", "cache"):
            return valkey.command(self.home, process.role)
        if process.role == "gateway":
            return (str(gateway.binary()),)
        return (sys.executable, "manage.py", process.service, process.role)

    def environment(self, process: Process) -> dict[str, str]:
        """Return all variables of the process."""
        common = base_environment(self.home)
        if process.group == ENGINES:
            return common
        if process.group == GATEWAY:
            servers = {
                service: [one.url for one in self._service_processes(service) if one.url]
                for service in SERVICES
            }
            ports = (self.gateway_port, self.ports["private"], self.ports["metrics"])
            return {**common, **gateway.variables(*ports, servers)}
        own = {"HEALTH_FILE": str(self.home.health / process.name)}
        if process.url:
            own = {"BIND": process.url.removeprefix("http://")}
        else:
            own["METRICS_BIND"] = f"{HOST}:{self.ports[process.name]}"
        return {**common, **self.variables(process.service), **own}

    def variables(self, service: str) -> dict[str, str]:
        """Return the configuration of one service."""
        return service_variables(self.home, self.secrets, self.ports, self.gateway_port, service)

    def command_environment(self, service: str) -> dict[str, str]:
        """Return the variables for one command of a service, such as its migration."""
        return {**base_environment(self.home), **self.variables(service)}

    def _postgres_url(self) -> str:
        return postgres_url(self.secrets, self.ports["postgres"])

    def _service_processes(self, service: str) -> list[Process]:
        webs = [
            Process(
                name, APPLICATIONS, service, "web", f"http://{HOST}:{self.ports[name]}", "TERM", 35
            )
            for name in web_names(service, self.replicas)
        ]
        return [
            *webs,
            Process(f"{service}-worker", APPLICATIONS, service, "worker", stop_seconds=60),
            Process(f"{service}-relay", APPLICATIONS, service, "relay", stop_seconds=20),
        ]


def web_names(service: str, replicas: Mapping[str, int]) -> list[str]:
    """Return the names of a service's web processes."""
    return [f"{service}-web-{number}" for number in range(1, replicas.get(service, 1) + 1)]


def port_names(replicas: Mapping[str, int]) -> list[str]:
    """Return the name of every port but the gateway's; at `metrics` the gateway tells its own, at theirs workers and relays."""
    webs = [name for service in SERVICES for name in web_names(service, replicas)]
    others = [f"{service}-{role}" for service in SERVICES for role in ("worker", "relay")]
    return ["supervisor", "postgres", "redis", "cache", "private", "metrics", *webs, *others]


def run_directory() -> str:
    """Return the folder in which every process runs."""
    return str(ROOT)
