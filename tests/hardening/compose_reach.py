"""Who may reach whom, and where secrets lie: rules that yield what is wrong with a compose file."""

from collections.abc import Iterator
from typing import Final

from settings.variables import SERVICES
from tests.hardening import secrecy
from tests.hardening.compose import Project, as_mapping, names
from tests.hardening.roles import role

OPEN_NETWORKS: Final = {
    "edge": {"gateway"},
    # Mail is sent by workers; catalog keeps pictures in a bucket, and its relay takes old ones away.
    "outside": {
        *(f"{service}-worker" for service in SERVICES),
        *("catalog", "catalog-relay", "catalog-seed"),
    },
    "mail": {"mailpit"},
    "watching": {"grafana"},
}
"""The networks with a way out, and who may be on them."""
AMONG_ALL: Final = frozenset({"gateway", "broker", "cache", "mailpit", "prometheus", "tempo"})
"""Who may be on the network of every service; mail, metrics and spans have no other way."""


def is_published_by_the_gateway_alone(project: Project) -> Iterator[str]:
    """One way in; what only a profile starts may be looked at from its own host."""
    for name, service in project.services.items():
        for port in () if name == "gateway" else service.get("ports") or ():
            host = port.get("host_ip", "") if isinstance(port, dict) else str(port)
            if not service.get("profiles") or not host.startswith("127.0.0.1"):
                yield f"{name}: publishes {port}"
    for port in (project.services.get("gateway") or {}).get("ports") or ():
        target = str(port["target"] if isinstance(port, dict) else str(port).rpartition(":")[2])
        if target not in {"8000", "8443"}:
            yield f"gateway: publishes {target}, which is no public entry point"
    if "gateway" in project.services and not project.services["gateway"].get("ports"):
        yield "gateway: publishes nothing"


def is_on_networks_that_end(project: Project) -> Iterator[str]:
    """Internal networks, but for the gateway's way in and the ways out of a few."""
    for network, options in project.networks.items():
        if network not in OPEN_NETWORKS and options.get("internal") is not True:
            yield f"network {network}: is not internal"
    for name, service in project.services.items():
        joined = names(service.get("networks"))
        if not joined:
            yield f"{name}: is on the default network"
        for network in joined & OPEN_NETWORKS.keys():
            if name not in OPEN_NETWORKS[network]:
                yield f"{name}: is on {network}"


def keeps_apart(project: Project) -> Iterator[str]:
    """A database is reached by its own service, and the filter of the engine by the gateway."""
    for name, service in project.services.items():
        joined, (own, part) = names(service.get("networks")), role(name)
        data = {network for network in joined if network.endswith("-data")}
        if part == "database" and joined != {f"{own}-data"}:
            yield f"{name}: is on {', '.join(sorted(joined))} and not on {own}-data alone"
        if data - {f"{own}-data"}:
            yield f"{name}: can reach the database of another ({', '.join(sorted(data))})"
        if joined & set(SERVICES) - {own} and name not in AMONG_ALL:
            yield f"{name}: is on the network of another service"
        if "engine" in joined and name not in {"gateway", "engine-filter"}:
            yield f"{name}: can ask the engine"
        if name == "engine-filter" and joined != {"engine"}:
            yield f"{name}: is on more than the network engine"


def hides_its_secrets(project: Project) -> Iterator[str]:
    """Secrets are files beside the project; a variable names the file."""
    for secret in secrecy.secret_sources(project):
        yield f"secret {secret}: is no file"
    for name, service in project.services.items():
        for variable in secrecy.variables_in_the_open(service):
            yield f"{name}: {variable} holds a secret and not the file of one"
        for one in names(service.get("secrets")) - project.secrets.keys():
            yield f"{name}: secret {one} is not declared"
        for argument in as_mapping((service.get("build") or {}).get("args")):
            if secrecy.is_secret_name(argument):
                yield f"{name}: build argument {argument} would stay in the image"


RULES: Final = (
    is_published_by_the_gateway_alone,
    is_on_networks_that_end,
    keeps_apart,
    hides_its_secrets,
)
