"""What is made in a cluster, and what its API may be asked for."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.kubernetes.cluster import KINDS as READ
from tests.kubernetes.manifests import Manifests, label, walk
from tests.kubernetes.rules.network import is_wide
from tests.kubernetes.rules.variables import given

_KINDS: Final = {
    "v1": ("ConfigMap", "Namespace", "PersistentVolumeClaim", "Service", "ServiceAccount"),
    "apps/v1": ("Deployment",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("Job",),
    "networking.k8s.io/v1": ("NetworkPolicy",),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("Role", "RoleBinding"),
    "traefik.io/v1alpha1": ("IngressRoute", "Middleware", "ServersTransport", "TLSOption"),
}
_GROUPS: Final = {"", "discovery.k8s.io", "traefik.io"}
_GATEWAY: Final = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway"}
_PROVIDERS: Final = {
    "TRAEFIK_PROVIDERS_PROVIDERSTHROTTLEDURATION",
    "TRAEFIK_PROVIDERS_KUBERNETESCRD",
    "TRAEFIK_PROVIDERS_KUBERNETESCRD_NAMESPACES",
    "TRAEFIK_PROVIDERS_KUBERNETESCRD_DISABLECLUSTERSCOPERESOURCES",
    "TRAEFIK_PROVIDERS_KUBERNETESCRD_SAFENAMING",
    "TRAEFIK_PROVIDERS_KUBERNETESCRD_ALLOWEMPTYSERVICES",
}
# Variables of Traefik that open it when they are anything but false.
_OPENING: Final = re.compile(r"TRAEFIK_API(_.+)?|.*INSECURE.*")


def kinds(manifests: Manifests) -> Iterator[str]:
    """Be of the kinds that are known here, all in one namespace."""
    for one in manifests.documents:
        version = one.get("apiVersion", "no version")
        if one["kind"] not in _KINDS.get(version, ()):
            yield f"{label(one)}: {one['kind']} of {version} is no kind of ours"
    inner = [one for one in manifests.documents if one["kind"] != "Namespace"]
    namespaces = {one.get("metadata", {}).get("namespace") for one in inner}
    if len(namespaces) > 1:
        yield f"there are several namespaces: {', '.join(sorted(map(str, namespaces)))}"


def granted(manifests: Manifests) -> Iterator[str]:
    """Let the gateway alone ask the cluster's API, and read alone."""
    for role in manifests.of("Role"):
        for rule in role.get("rules", []):
            if not _only_reads(rule):
                yield f"{label(role)}: grants more than to read what a Traefik reads: {rule}"
    for binding in manifests.of("RoleBinding"):
        account = {"kind": "ServiceAccount", "name": "gateway"}
        subjects = [{**account, "namespace": binding.get("metadata", {}).get("namespace")}]
        if (binding["roleRef"], binding.get("subjects")) != (_GATEWAY, subjects):
            yield f"{label(binding)}: binds another Role or another account than the gateway's"


def _only_reads(rule: dict[str, Any]) -> bool:
    return (
        rule.keys() == {"apiGroups", "resources", "verbs"}
        and set(rule["apiGroups"]) <= _GROUPS
        and set(rule["resources"]) <= READ.keys()
        and set(rule["verbs"]) <= {"get", "list", "watch"}
    )


def gateway(manifests: Manifests) -> Iterator[str]:
    """Trust nobody's word about a client or a server, and keep Traefik's own API closed."""
    for one in manifests.documents:
        if any(holder.get("insecureSkipVerify") for holder in walk(one)):
            yield f"{label(one)}: insecureSkipVerify is set"
    for pod in manifests.pods():
        if pod.service == "gateway":
            for name, value in given(manifests, pod).items():
                if _opens(name.upper(), str(value)):
                    yield f"{pod.label}: {name} must not be {value}"


def _opens(name: str, value: str) -> bool:
    """Tell whether a variable of Traefik, which knows it by any case, opens a door."""
    if name.endswith("_TRUSTEDIPS"):
        return any(is_wide(addresses.strip(), bits=8) for addresses in value.split(","))
    if name.startswith("TRAEFIK_PROVIDERS_"):
        return name not in _PROVIDERS
    return bool(_OPENING.fullmatch(name)) and value.lower() != "false"
