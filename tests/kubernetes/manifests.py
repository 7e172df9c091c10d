"""The manifests of one overlay, and the pods that they make."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.kubernetes.kustomize import Document

NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Pod:
    """What a Deployment or a Job makes."""

    owner: Document

    @property
    def label(self) -> str:
        return label(self.owner)

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.owner["spec"]["template"]["metadata"].get("labels", {})
        return found

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.owner["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = self.spec["containers"]
        return found

    @property
    def service(self) -> str:
        return self.labels.get(NAME, "")

    @property
    def component(self) -> str:
        return self.labels.get(COMPONENT, "")

    def has_port(self, port: str | int) -> bool:
        """Tell whether it listens on this port, named or numbered."""
        ports = self.container.get("ports", [])
        return any(port in {one["name"], one["containerPort"]} for one in ports)


@dataclass(frozen=True)
class Manifests:
    """All of an overlay."""

    documents: Sequence[Document]

    def of(self, *kinds: str) -> list[Document]:
        """Return those of some kinds."""
        return [one for one in self.documents if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Document | None:
        """Return one by its name, if it is there."""
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)

    def pods(self) -> list[Pod]:
        return [Pod(one) for one in self.of("Deployment", "Job")]

    def selected(self, selector: Mapping[str, Any]) -> list[Pod]:
        """Return the pods that a label selector selects."""
        return [pod for pod in self.pods() if _selects(selector, pod.labels)]


def label(document: Document) -> str:
    """Return what a message calls a manifest."""
    return f"{document['kind']} {document['metadata']['name']}"


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Walk through all objects within one."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    for one in selector.get("matchExpressions", []):
        if one["operator"] != "In":
            raise ValueError(f"no rule of ours uses the operator {one['operator']}")
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True
