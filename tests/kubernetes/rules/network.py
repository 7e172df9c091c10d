"""Who may talk to whom."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final

from settings.variables import SERVICES
from tests.kubernetes.kustomize import Document
from tests.kubernetes.manifests import Manifests, Pod, label, name_of

_NOBODY = "192.0.2."
"""Addresses that stand for nobody (RFC 5737): the base's, for an overlay to replace."""
_NAMESPACE: Final = "kubernetes.io/metadata.name"
# Who may ask a port: a service of ours, the pods of a namespace that is named, or everybody.
_CALLERS: Final[dict[object, set[str]]] = {
    "public": {"everybody"},
    "secure": {"everybody"},
    "private": {"catalog", "order"},
    "http": {"gateway", "a namespace"},
    "metrics": {"a namespace"},
}
# The policies, and their ports, that let pods ask everybody.
_TO_EVERYBODY: Final = {
    *(("mail", port) for port in (25, 465, 587)),
    ("bucket", 443),
    *(("gateway", port) for port in (443, 6443)),
}
# The policies that let pods ask a database, or addresses at all, and whose pods.
_DATABASES: Final = {f"{service}-database": {service} for service in SERVICES}
_TO_ADDRESSES: Final[dict[str, set[str]]] = {
    **_DATABASES,
    "bucket": {"catalog"},
    "dns": {*SERVICES, "gateway"},
    "gateway": {"gateway"},
    "mail": {"auth", "order"},
    "redis": set(SERVICES),
}
# What a Service and its ports may say.
_SERVICE: Final = ("type", "selector", "ports")
_SERVICE_PORT: Final = ("name", "port", "protocol", "targetPort")


def closed(manifests: Manifests) -> Iterator[str]:
    """Deny all that no policy allows, in both directions."""
    denying = [
        one
        for one in manifests.of("NetworkPolicy")
        if one["spec"].get("podSelector") == {}
        and set(one["spec"].get("policyTypes", [])) == {"Ingress", "Egress"}
        and not one["spec"].keys() & {"ingress", "egress"}
    ]
    if len(denying) != 1:
        yield "no NetworkPolicy denies everything to every pod"


def policies(manifests: Manifests) -> Iterator[str]:
    """Be about pods that are there, to and from pods and ports that are there."""
    for one in manifests.of("NetworkPolicy"):
        spec = one["spec"]
        pods = manifests.selected(spec.get("podSelector", {}))
        if not pods:
            yield f"{label(one)}: is about no pod"
        declared = {name for name in ("ingress", "egress") if name in spec}
        if declared - {name.lower() for name in spec.get("policyTypes", [])}:
            yield f"{label(one)}: has rules of a type that it does not name"
        for rule in spec.get("ingress", []):
            yield from _rule(manifests, one, rule, "from", listening=pods)
        for rule in spec.get("egress", []):
            yield from _rule(manifests, one, rule, "to", listening=None)


def _rule(
    manifests: Manifests,
    policy: Document,
    rule: dict[str, Any],
    side: str,
    *,
    listening: list[Pod] | None,
) -> Iterator[str]:
    """Check one rule; `listening` are the pods whose ports it opens, or None: its peers."""
    if None in _ports(rule):
        yield f"{label(policy)}: a rule allows every port"
    if any("endPort" in port for port in rule.get("ports", [])):
        yield f"{label(policy)}: a rule allows a range of ports"
    for peer in rule.get(side, []):
        if "podSelector" in peer and "namespaceSelector" not in peer:
            peers = manifests.selected(peer["podSelector"])
            if not peers:
                yield f"{label(policy)}: a rule is {side} no pod"
            if side == "to":
                listening = peers
        if _NOBODY in peer.get("ipBlock", {}).get("cidr", ""):
            yield f"{label(policy)}: {peer['ipBlock']['cidr']} stands for nobody"
    for port in _ports(rule):
        if isinstance(port, str) and not any(pod.has_port(port) for pod in listening or []):
            yield f"{label(policy)}: no pod has the port {port}"


def _ports(rule: dict[str, Any]) -> list[str | int | None]:
    """Return the ports of a rule, None for every port."""
    return [port.get("port") for port in rule.get("ports") or [{}]]


def doors(manifests: Manifests) -> Iterator[str]:
    """Open each port to those alone who need it, and a database to its service alone."""
    for one in manifests.of("NetworkPolicy"):
        spec = one["spec"]
        pods = manifests.selected(spec.get("podSelector", {}))
        for rule in spec.get("ingress", []):
            yield from _lets_in(manifests, one, rule)
        for rule in spec.get("egress", []):
            yield from _lets_out(one, rule, {pod.service for pod in pods})
        allowed = [*spec.get("ingress", []), *spec.get("egress", [])]
        asked = {port for rule in allowed for port in _ports(rule)}
        if len(pods) == len(manifests.pods()) and asked - {53}:
            yield f"{label(one)}: is about all pods, and does more than deny"
    for service in ("auth", "catalog", "order"):
        if manifests.find("NetworkPolicy", f"{service}-database") is None:
            yield f"{service} reaches no database"


def _lets_in(manifests: Manifests, policy: Document, rule: dict[str, Any]) -> Iterator[str]:
    about = {pod.service for pod in manifests.selected(policy["spec"].get("podSelector", {}))}
    for peer in rule.get("from") or [{}]:
        for port in _ports(rule):
            allowed = _CALLERS.get(port, set())
            if "everybody" in allowed and about == {"gateway"}:
                continue
            for caller in sorted(_callers(manifests, policy, peer) - (allowed - {"everybody"})):
                yield f"{label(policy)}: lets {caller} in, at the port {port}"


def _callers(manifests: Manifests, policy: Document, peer: dict[str, Any]) -> set[str]:
    """Return who a peer is: services of ours, a namespace that is not ours, or everybody."""
    if peer.keys() == {"podSelector"}:
        return {pod.service for pod in manifests.selected(peer["podSelector"])}
    return {"everybody" if _is_everybody(peer, policy) else "a namespace"}


def _is_everybody(peer: dict[str, Any], policy: Document) -> bool:
    """Tell whether a peer of another place is anything but one named namespace, not the policy's own."""
    selector = peer.get("namespaceSelector", {})
    names = {policy.get("metadata", {}).get("namespace"), None}
    return selector.keys() != {"matchLabels"} or selector["matchLabels"].get(_NAMESPACE) in names


def _lets_out(policy: Document, rule: dict[str, Any], about: set[str]) -> Iterator[str]:
    name, ports = name_of(policy), _ports(rule)
    strangers = ", ".join(sorted(about - _TO_ADDRESSES.get(name, set())))
    for peer in rule.get("to") or [{}]:
        if "ipBlock" in peer:
            everybody = is_wide(peer["ipBlock"].get("cidr", ""))
        else:
            everybody = peer.keys() != {"podSelector"} and _is_everybody(peer, policy)
        if strangers and ("ipBlock" in peer or everybody):
            yield f"{label(policy)}: lets {strangers} ask addresses"
        for port in ports:
            if everybody and (name, port) not in _TO_EVERYBODY:
                yield f"{label(policy)}: lets pods ask everybody, at the port {port}"
    if 5432 in ports and about != _DATABASES.get(name):
        yield f"{label(policy)}: several services reach one database, or one another's"
    if {6379, 6380} & set(ports) and name != "redis":
        yield f"{label(policy)}: reaches broker or cache"


def is_wide(addresses: str, *, bits: int = 16) -> bool:
    """Tell whether addresses are more than those of a network with so many bits, twice as many with IPv6."""
    try:
        network = ip_network(addresses, strict=False)
    except ValueError:
        return True
    return network.prefixlen < bits * (2 if network.version == 6 else 1)


def services(manifests: Manifests) -> Iterator[str]:
    """Be reached from within the cluster alone, but for the gateway's public ports."""
    for one in manifests.of("Service"):
        spec = one["spec"]
        known: tuple[str, ...] = _SERVICE
        if name_of(one) == "gateway" and spec.get("type") == "LoadBalancer":
            known = (*_SERVICE, "externalTrafficPolicy")
            if spec.get("externalTrafficPolicy") != "Local":
                yield f"{label(one)}: hides the addresses of clients"
            led = {port.get("targetPort") for port in spec.get("ports", [])}
            if not led <= {"public", "secure"}:
                yield f"{label(one)}: leads everybody to more than the public ports"
        elif spec.get("type", "ClusterIP") != "ClusterIP":
            yield f"{label(one)}: its type is {spec['type']}, not ClusterIP"
        for field in sorted(spec.keys() - set(known)):
            yield f"{label(one)}: {field} is set"
        for port in spec.get("ports", []):
            for field in sorted(port.keys() - set(_SERVICE_PORT)):
                yield f"{label(one)}: {field} of a port is set"
