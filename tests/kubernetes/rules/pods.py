"""How a pod is locked up, watched, bounded, rolled out and spread."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.kubernetes.manifests import Manifests, label

USER: Final = 10001
# Seconds that a process gets to stop: compose's too.
GRACE_SECONDS: Final = {"web": 50, "worker": 60, "relay": 20, "migrate": 60, "gateway": 60}
IMAGES: Final = ("souk-auth", "souk-catalog", "souk-order", "traefik")
_POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def hardened(manifests: Manifests) -> Iterator[str]:
    """Allow a pod nothing that it can do without."""
    for pod in manifests.pods():
        yield from _missing(pod.label, "securityContext", _POD_SECURITY, pod.spec)
        yield from _missing(
            f"{pod.label}, container", "securityContext", _CONTAINER_SECURITY, pod.container
        )
        for one in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(one):
                yield f"{pod.label}: {one} is set"
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.label}: enableServiceLinks is not false"
        # The gateway reads its routes from the cluster; nobody else talks to it.
        if pod.spec.get("automountServiceAccountToken") is not (pod.service == "gateway"):
            yield f"{pod.label}: automountServiceAccountToken is not {pod.service == 'gateway'}"
    for account in manifests.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{label(account)}: automountServiceAccountToken is not false"
    for namespace in manifests.of("Namespace"):
        labels = namespace["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{label(namespace)}: pod-security.kubernetes.io/enforce is not restricted"


def _missing(what: str, name: str, wanted: dict[str, Any], holder: dict[str, Any]) -> Iterator[str]:
    found = holder.get(name, {})
    for field, value in wanted.items():
        if found.get(field) != value:
            yield f"{what}: {name}.{field} is {found.get(field)!r}, not {value!r}"


def watched(manifests: Manifests) -> Iterator[str]:
    """Ask each process that stays whether it has started, lives and is ready, without a shell."""
    for pod in manifests.pods():
        if pod.component == "migrate":
            continue
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = pod.container.get(name, {})
            if not probe.keys() & {"httpGet", "exec"}:
                yield f"{pod.label}: no {name}"
            if "sh" in probe.get("exec", {}).get("command", [])[:1]:
                yield f"{pod.label}: {name} needs a shell"
        ready = pod.container.get("readinessProbe", {}).get("httpGet", {}).get("path")
        if pod.component == "web" and ready != "/health/ready":
            yield f"{pod.label}: readinessProbe asks {ready}"
        live = pod.container.get("livenessProbe", {}).get("httpGet", {}).get("path")
        if pod.component == "web" and live != "/health/live":
            yield f"{pod.label}: livenessProbe asks {live}"


def bounded(manifests: Manifests) -> Iterator[str]:
    """Bound memory and disk, and give the time to stop that the process needs."""
    for pod in manifests.pods():
        resources = pod.container.get("resources", {})
        for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if name not in resources.get(kind, {}):
                yield f"{pod.label}: no resources.{kind}.{name}"
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{pod.label}: the emptyDir {volume['name']} has no sizeLimit"
        grace = pod.spec.get("terminationGracePeriodSeconds")
        if grace != GRACE_SECONDS.get(pod.component):
            yield f"{pod.label}: {grace} s to stop, not {GRACE_SECONDS.get(pod.component)}"


def of_known_images(manifests: Manifests) -> Iterator[str]:
    """Run our three images and Traefik, each by a version."""
    for pod in manifests.pods():
        image = pod.container["image"]
        name, _, tag = image.rpartition("/")[2].partition(":")
        if name not in IMAGES or (pod.service != "gateway" and name != f"souk-{pod.service}"):
            yield f"{pod.label}: the image {image} is not of {pod.service}"
        if not tag or re.fullmatch(r"latest|main|dev", tag):
            yield f"{pod.label}: the image {image} has no version"


def rolled_out_without_a_gap(manifests: Manifests) -> Iterator[str]:
    """Start a new replica before an old one stops."""
    for one in manifests.of("Deployment"):
        strategy = one["spec"].get("strategy", {})
        if strategy.get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{label(one)}: a roll-out takes a replica away first"


def spread_and_kept(manifests: Manifests) -> Iterator[str]:
    """Spread replicas over nodes and zones, and empty nodes one replica at a time."""
    for pod in manifests.pods():
        if pod.owner["kind"] != "Deployment":
            continue
        over = {one["topologyKey"] for one in pod.spec.get("topologySpreadConstraints", [])}
        for key in {"kubernetes.io/hostname", "topology.kubernetes.io/zone"} - over:
            yield f"{pod.label}: not spread over {key}"
        budgets = [
            one
            for one in manifests.of("PodDisruptionBudget")
            if [each.label for each in manifests.selected(one["spec"]["selector"])] == [pod.label]
        ]
        if len(budgets) != 1 or budgets[0]["spec"].get("maxUnavailable") != 1:
            yield f"{pod.label}: no PodDisruptionBudget of its own with maxUnavailable 1"
