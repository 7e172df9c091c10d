"""What a manifest names is there."""

from collections.abc import Iterator
from typing import Any, Final

from tests.kubernetes.kustomize import Document
from tests.kubernetes.manifests import Manifests, Pod, label, walk


def selectors(manifests: Manifests) -> Iterator[str]:
    """Select at least one pod, and with a Deployment, a Service or a budget just the meant ones."""
    for one in manifests.of("Deployment", "Service", "PodDisruptionBudget"):
        selector = one["spec"].get("selector", {})
        meant = {"matchLabels": selector} if one["kind"] == "Service" else selector
        found = [pod.label for pod in manifests.selected(meant)]
        if len(found) != 1 or (one["kind"] == "Deployment" and found != [label(one)]):
            yield f"{label(one)}: selects {', '.join(found) or 'nothing'}"
    for pod in manifests.pods():
        for constraint in pod.spec.get("topologySpreadConstraints", []):
            selector = constraint.get("labelSelector")
            if selector is None or pod.label not in _labels(manifests, selector):
                yield f"{pod.label}: a topologySpreadConstraint does not select itself"


def _labels(manifests: Manifests, selector: dict[str, Any]) -> list[str]:
    return [pod.label for pod in manifests.selected(selector)]


def ports(manifests: Manifests) -> Iterator[str]:
    """Lead to ports that the pods have; probe those too."""
    for one in manifests.of("Service"):
        for port in one["spec"].get("ports", []):
            for pod in manifests.selected({"matchLabels": one["spec"].get("selector", {})}):
                if not pod.has_port(port.get("targetPort", port["port"])):
                    yield f"{label(one)}: {pod.label} has no port {port.get('targetPort')}"
    for pod in manifests.pods():
        told = pod.owner["spec"]["template"].get("metadata", {}).get("annotations", {})
        scraped = told.get("prometheus.io/port")
        if scraped is not None and not pod.has_port(int(scraped)):
            yield f"{pod.label}: Prometheus is sent to port {scraped}, which it has not"
        for holder in walk(pod.containers):
            probed = holder.get("httpGet", {}).get("port")
            if probed is not None and not pod.has_port(probed):
                yield f"{pod.label}: a probe asks port {probed}, which it has not"


def scaling(manifests: Manifests) -> Iterator[str]:
    """Scale Deployments that are there, and that do not say how many themselves."""
    for one in manifests.of("HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        found = manifests.find(target["kind"], target["name"])
        if found is None:
            yield f"{label(one)}: there is no {target['kind']} {target['name']}"
        elif "replicas" in found["spec"]:
            yield f"{label(one)}: {label(found)} sets replicas, which each apply would put back"


def parts_of_pods(manifests: Manifests) -> Iterator[str]:
    """Name accounts, ConfigMaps and claims that are there, and mount the volumes that there are."""
    for pod in manifests.pods():
        for kind, name in _named_by(pod):
            if manifests.find(kind, name) is None:
                yield f"{pod.label}: there is no {kind} {name}"
        volumes = {one["name"] for one in pod.spec.get("volumes", [])}
        mounts = [one for each in pod.containers for one in each.get("volumeMounts", [])]
        for name in volumes ^ {one["name"] for one in mounts}:
            yield f"{pod.label}: the volume {name} is not both there and mounted"
        for container in pod.containers:
            places = {one["mountPath"] for one in container.get("volumeMounts", [])}
            if "/tmp" not in places:  # noqa: S108 -- a mount, no file of ours
                yield f"{pod.called(container)}: nothing can be written to /tmp"


def _named_by(pod: Pod) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", pod.spec.get("serviceAccountName", "default")
    for container in pod.containers:
        for one in container.get("envFrom", []):
            if "configMapRef" in one:
                yield "ConfigMap", one["configMapRef"].get("name", "")
    for one in pod.spec.get("volumes", []):
        if "persistentVolumeClaim" in one:
            yield "PersistentVolumeClaim", one["persistentVolumeClaim"]["claimName"]


_NAMED_LISTS: Final = {"middlewares": "Middleware", "parentRefs": "IngressRoute"}


def routes(manifests: Manifests) -> Iterator[str]:
    """Lead to Services and their ports, by middlewares and transports that are there."""
    for one in manifests.of("IngressRoute", "Middleware"):
        for holder in walk(one["spec"]):
            for field, kind in _NAMED_LISTS.items():
                for named in holder.get(field, []):
                    if manifests.find(kind, named["name"]) is None:
                        yield f"{label(one)}: there is no {kind} {named['name']}"
            services = [*holder.get("services", []), *_one(holder.get("service"))]
            for service in services:
                yield from _service(manifests, one, service)


def _one(service: Any) -> list[Any]:
    return [service] if isinstance(service, dict) else []


def _service(manifests: Manifests, route: Document, service: dict[str, Any]) -> Iterator[str]:
    found = manifests.find("Service", service["name"])
    if found is None:
        yield f"{label(route)}: there is no Service {service['name']}"
    elif service["port"] not in [port.get("name") for port in found["spec"].get("ports", [])]:
        yield f"{label(route)}: {label(found)} has no port {service['port']}"
    if manifests.find("ServersTransport", service.get("serversTransport", "")) is None:
        yield f"{label(route)}: {service['name']} is not asked by a ServersTransport of ours"
