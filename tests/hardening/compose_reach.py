"""Who may reach whom, and where secrets lie: rules that yield what is wrong with a compose file."""

from collections.abc import Iterator
from typing import Any, Final

from settings.variables import SERVICES
from tests.hardening import secrecy
from tests.hardening.compose import Project, as_mapping, names
from tests.hardening.roles import role


def _named(service: str, *parts: str) -> set[str]:
    """Return the names of a service's web process and its other parts."""
    return {service, *(f"{service}-{part}" for part in parts)}


AMONG_ALL: Final = frozenset({"gateway", "broker", "cache", "mailpit", "prometheus", "tempo"})
"""Who may be on the network of every service; mail, metrics and spans have no other way."""
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
NETWORKS: Final[dict[str, set[str]]] = {
    **OPEN_NETWORKS,
    "engine": {"gateway", "engine-filter"},
    "observe": {"gateway", "prometheus", "tempo", "grafana"},
    "auth": {*_named("auth", "worker", "relay", "seed"), *AMONG_ALL},
    "catalog": {*_named("catalog", "worker", "relay", "seed"), *AMONG_ALL - {"mailpit"}},
    "order": {*_named("order", "worker", "relay"), *AMONG_ALL},
    "auth-data": _named("auth", "worker", "relay", "migrate", "seed", "database"),
    "catalog-data": _named("catalog", "worker", "relay", "migrate", "seed", "database"),
    "order-data": _named("order", "worker", "relay", "migrate", "database"),
}
"""All networks, and who may be on them."""
NETWORK_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    **{network: {"internal": True} for network in NETWORKS},
    **{network: {} for network in OPEN_NETWORKS},
    "outside": {"driver_opts": {"com.docker.network.bridge.enable_icc": "false"}},
}
PUBLISHED: Final = {"mailpit": "8025", "grafana": "3000"}
"""Who may publish a port on its own host beside the gateway, started by a profile."""
_OTHERS_SECRETS: Final = {
    "broker": "broker.acl",
    "cache": "cache.acl",
    "grafana": "grafana_password",
}


def is_published_by_the_gateway_alone(project: Project) -> Iterator[str]:
    """One way in; what only a profile starts may be looked at from its own host."""
    for name, service in project.services.items():
        for port in () if name == "gateway" else service.get("ports") or ():
            text = (
                f"{port.get('host_ip')}::{port['target']}" if isinstance(port, dict) else str(port)
            )
            is_local = text.startswith("127.0.0.1:") and service.get("profiles")
            if not is_local or text.rpartition(":")[2] != PUBLISHED.get(name):
                yield f"{name}: publishes {port}"
    for port in (project.services.get("gateway") or {}).get("ports") or ():
        target = str(port["target"] if isinstance(port, dict) else str(port).rpartition(":")[2])
        if target not in {"8000", "8443"}:
            yield f"gateway: publishes {target}, which is no public entry point"
    if "gateway" in project.services and not project.services["gateway"].get("ports"):
        yield "gateway: publishes nothing"


def has_the_networks_listed(project: Project) -> Iterator[str]:
    """Internal networks, but for the gateway's way in and the ways out of a few."""
    for network in sorted(NETWORKS.keys() - project.networks.keys()):
        yield f"network {network}: is missing"
    for network, options in project.networks.items():
        wanted = NETWORK_OPTIONS.get(network)
        if wanted is None:
            yield f"network {network}: is not listed"
        elif wanted.get("internal") and options.get("internal") is not True:
            yield f"network {network}: is not internal"
        elif options != wanted:
            yield f"network {network}: its options are not {wanted}"


def is_on_networks_that_end(project: Project) -> Iterator[str]:
    """Each service on the networks that list it, and never on the default one."""
    for name, service in project.services.items():
        joined = names(service.get("networks"))
        if not joined:
            yield f"{name}: is on the default network"
        for network in sorted(joined):
            if name not in NETWORKS.get(network, ()):
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


def reads_its_own_secrets(project: Project) -> Iterator[str]:
    """A secret is the file of its name, and is read by the service of its name; there are no configs."""
    for secret, source in project.secrets.items():
        if source.get("file") and source != {"file": f"../secrets/{secret}"}:
            yield f"secret {secret}: is not the file secrets/{secret}"
    for config in project.configs:
        yield f"config {config}: is not listed"
    for name, service in project.services.items():
        for one in sorted(names(service.get("secrets"))):
            if not _may_read(name, one):
                yield f"{name}: secret {one} is not its own"


def _may_read(name: str, secret: str) -> bool:
    """Tell whether a secret is of this service: by its name, but for the few that are listed."""
    own, part = role(name)
    if not own:
        return _OTHERS_SECRETS.get(name) == secret
    password = f"{own}.postgres_password"
    if part == "database":
        return secret in {password, f"{own}.database_url"}
    if secret == "mail_url":
        return own in {"auth", "order"}
    return secret.startswith(f"{own}.") and secret != password


RULES: Final = (
    is_published_by_the_gateway_alone,
    has_the_networks_listed,
    is_on_networks_that_end,
    keeps_apart,
    hides_its_secrets,
    reads_its_own_secrets,
)
