"""Who may talk to whom."""

from collections.abc import Iterator
from typing import Any

from tests.kubernetes.kustomize import Document
from tests.kubernetes.manifests import Manifests, Pod, label

_NOBODY = "192.0.2."
"""Addresses that stand for nobody (RFC 5737): the base's, for an overlay to replace."""


def closed(manifests: Manifests) -> Iterator[str]:
    """Deny all that no policy allows, in both directions."""
    denying = [
        one
        for one in manifests.of("NetworkPolicy")
        if one["spec"]["podSelector"] == {}
        and set(one["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not one["spec"].keys() & {"ingress", "egress"}
    ]
    if len(denying) != 1:
        yield "no NetworkPolicy denies everything to every pod"


def policies(manifests: Manifests) -> Iterator[str]:
    """Be about pods that are there, to and from pods and ports that are there."""
    for one in manifests.of("NetworkPolicy"):
        spec = one["spec"]
        pods = manifests.selected(spec["podSelector"])
        if not pods:
            yield f"{label(one)}: is about no pod"
        declared = {name for name in ("ingress", "egress") if name in spec}
        if declared - {name.lower() for name in spec["policyTypes"]}:
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
    if not rule.get("ports"):
        yield f"{label(policy)}: a rule allows every port"
    for peer in rule.get(side, []):
        if "podSelector" in peer and "namespaceSelector" not in peer:
            peers = manifests.selected(peer["podSelector"])
            if not peers:
                yield f"{label(policy)}: a rule is {side} no pod"
            if side == "to":
                listening = peers
        if _NOBODY in peer.get("ipBlock", {}).get("cidr", ""):
            yield f"{label(policy)}: {peer['ipBlock']['cidr']} stands for nobody"
    for port in rule.get("ports", []):
        if isinstance(port["port"], str) and not any(
            pod.has_port(port["port"]) for pod in listening or []
        ):
            yield f"{label(policy)}: no pod has the port {port['port']}"


def doors(manifests: Manifests) -> Iterator[str]:
    """Open nothing to everybody but the gateway's public ports, and a database to its service alone."""
    for one in manifests.of("NetworkPolicy"):
        about = {
            (pod.service, pod.component) for pod in manifests.selected(one["spec"]["podSelector"])
        }
        for rule in one["spec"].get("ingress", []):
            names = {port["port"] for port in rule.get("ports", [])}
            if not rule.get("from") and not (
                about == {("gateway", "gateway")} and names <= {"public", "secure"}
            ):
                yield f"{label(one)}: lets everybody in"
        for rule in one["spec"].get("egress", []):
            asks_databases = 5432 in {port["port"] for port in rule.get("ports", [])}
            if asks_databases and len({service for service, _ in about}) != 1:
                yield f"{label(one)}: several services reach one database"
    for service in ("auth", "catalog", "order"):
        if manifests.find("NetworkPolicy", f"{service}-database") is None:
            yield f"{service} reaches no database"
