"""How a pod is locked up, watched, bounded, rolled out and spread."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from settings.variables import SERVICES
from tests.kubernetes.manifests import Manifests, Pod, label, walk

USER: Final = 10001
# Seconds that a process gets to stop: compose's too.
GRACE_SECONDS: Final = {"web": 50, "worker": 60, "relay": 20, "migrate": 60, "gateway": 60}
IMAGES: Final = {**{service: f"souk-{service}" for service in SERVICES}, "gateway": "traefik"}
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
# What may be said of a pod and of what it has: the last five of a pod are where it runs, an operator's to say.
_POD: Final = (
    *("automountServiceAccountToken", "containers", "enableServiceLinks", "initContainers"),
    *("restartPolicy", "securityContext", "serviceAccountName", "terminationGracePeriodSeconds"),
    *("topologySpreadConstraints", "volumes"),
    *("affinity", "imagePullSecrets", "nodeSelector", "priorityClassName", "tolerations"),
)
_CONTAINER: Final = (
    *("args", "env", "envFrom", "image", "imagePullPolicy", "name", "ports", "resources"),
    *("livenessProbe", "readinessProbe", "startupProbe", "securityContext", "volumeMounts"),
)
_LISTS: Final = {
    "ports": ("name", "containerPort", "protocol"),
    "volumeMounts": ("name", "mountPath", "readOnly"),
}
_VOLUMES: Final = {
    "emptyDir": ("sizeLimit",),
    "persistentVolumeClaim": ("claimName",),
    "secret": ("secretName", "defaultMode"),
}
# A probe's program; a shell is none, and neither is what starts one.
_PROGRAMS: Final = ("python",)


def hardened(manifests: Manifests) -> Iterator[str]:
    """Allow a pod nothing that it can do without."""
    for pod in manifests.pods():
        yield from _missing(
            pod.label, _POD_SECURITY, pod.spec, {"fsGroupChangePolicy": "OnRootMismatch"}
        )
        for container in pod.containers:
            yield from _missing(pod.called(container), _CONTAINER_SECURITY, container)
        yield from _needless(pod)
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.label}: enableServiceLinks is not false"
        # The gateway reads its routes from the cluster; nobody else talks to it.
        if pod.spec.get("automountServiceAccountToken") is not (pod.service == "gateway"):
            yield f"{pod.label}: automountServiceAccountToken is not {pod.service == 'gateway'}"
    for account in manifests.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{label(account)}: automountServiceAccountToken is not false"
    for namespace in manifests.of("Namespace"):
        labels = namespace.get("metadata", {}).get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{label(namespace)}: pod-security.kubernetes.io/enforce is not restricted"


def _missing(
    what: str,
    wanted: Mapping[str, Any],
    holder: Mapping[str, Any],
    optional: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Tell what lacks in a securityContext, and what is more than may be there."""
    found = holder.get("securityContext") or {}
    for field, value in wanted.items():
        if found.get(field) != value:
            yield f"{what}: securityContext.{field} is {found.get(field)!r}, not {value!r}"
    for field in found.keys() - wanted.keys():
        if found[field] != (optional or {}).get(field):
            yield f"{what}: securityContext.{field} is {found[field]!r}, which nobody needs"


def _needless(pod: Pod) -> Iterator[str]:
    """Tell the fields and kinds of volumes that no pod of ours needs."""
    yield from _unknown(pod.label, pod.spec, _POD)
    for container in pod.containers:
        yield from _unknown(pod.called(container), container, _CONTAINER)
        for name, fields in _LISTS.items():
            for one in container.get(name, []):
                yield from _unknown(f"{pod.called(container)}, {name}", one, fields)
    for volume in pod.spec.get("volumes", []):
        what = f"{pod.label}, volume {volume['name']}"
        yield from _unknown(what, volume, ("name", *_VOLUMES))
        for kind in volume.keys() & _VOLUMES.keys():
            yield from _unknown(what, volume[kind] or {}, _VOLUMES[kind])


def _unknown(what: str, holder: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for field in sorted(holder.keys() - set(known)):
        yield f"{what}: {field} is set"


def of_known_processes(manifests: Manifests) -> Iterator[str]:
    """Start what the image is for, told by one word, by an account of its own."""
    for pod in manifests.pods():
        wanted = None if pod.service == "gateway" else [pod.component]
        for container in pod.containers:
            if container.get("args") != wanted:
                yield f"{pod.called(container)}: its args are {container.get('args')}, not {wanted}"
        own = "gateway" if pod.service == "gateway" else f"{pod.service}-account"
        if pod.spec.get("serviceAccountName") != own:
            yield f"{pod.label}: its account is not {own}"


def watched(manifests: Manifests) -> Iterator[str]:
    """Ask each process that stays whether it has started, lives and is ready, without a shell."""
    for pod in manifests.pods():
        for container in pod.containers:
            for holder in walk(container):
                program = [*holder.get("command", []), ""][0]
                if "command" in holder and program.rpartition("/")[2] not in _PROGRAMS:
                    yield f"{pod.called(container)}: {program} is a shell, or as good as one"
        if pod.component != "migrate":
            for container in pod.spec["containers"]:
                yield from _unwatched(pod, container)


def _unwatched(pod: Pod, container: Mapping[str, Any]) -> Iterator[str]:
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if not container.get(name, {}).keys() & {"httpGet", "exec"}:
            yield f"{pod.called(container)}: no {name}"
    if pod.component == "web":
        for name, path in (("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live")):
            asked = container.get(name, {}).get("httpGet", {}).get("path")
            if asked != path:
                yield f"{pod.called(container)}: {name} asks {asked}"


def bounded(manifests: Manifests) -> Iterator[str]:
    """Bound memory and disk, and give the time to stop that the process needs."""
    for pod in manifests.pods():
        for container in pod.containers:
            resources = container.get("resources", {})
            for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if name not in resources.get(kind, {}):
                    yield f"{pod.called(container)}: no resources.{kind}.{name}"
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{pod.label}: the emptyDir {volume['name']} has no sizeLimit"
        grace = pod.spec.get("terminationGracePeriodSeconds")
        if grace != GRACE_SECONDS.get(pod.component):
            yield f"{pod.label}: {grace} s to stop, not {GRACE_SECONDS.get(pod.component)}"


def of_known_images(manifests: Manifests) -> Iterator[str]:
    """Run our three images of one registry, and Traefik or a copy of it, each by a version."""
    registries = set()
    for pod in manifests.pods():
        for container in pod.containers:
            image = container.get("image", "")
            registry, _, last = image.rpartition("/")
            name, _, tag = last.partition(":")
            if name != IMAGES.get(pod.service):
                yield f"{pod.called(container)}: the image {image} is not of {pod.service}"
            if not tag or re.fullmatch(r"latest|main|dev", tag):
                yield f"{pod.called(container)}: the image {image} has no version"
            if pod.service != "gateway":
                registries.add(registry)
    if len(registries) > 1:
        yield f"images of ours come from several registries: {', '.join(sorted(registries))}"


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
