"""The manifests of one overlay, and the pods that they make."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        found: Mapping[str, str] = (
            self.owner["spec"]["template"].get("metadata", {}).get("labels", {})
        )
        return found

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.owner["spec"]["template"]["spec"]
        return found

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Return all that run in it, those that end before the others start included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def service(self) -> str:
        return self.labels.get(NAME, "")

    @property
    def component(self) -> str:
        return self.labels.get(COMPONENT, "")

    def has_port(self, port: str | int) -> bool:
        """Tell whether it listens on this port, named or numbered."""
        ports = [one for container in self.containers for one in container.get("ports", [])]
        return any(port in {one.get("name"), one["containerPort"]} for one in ports)

    def called(self, container: Mapping[str, Any]) -> str:
        """Return what a message calls one of its containers."""
        return f"{self.label}, {container.get('name')}"


@dataclass(frozen=True)
class Manifests:
    """All of an overlay."""

    documents: Sequence[Document]

    def of(self, *kinds: str) -> list[Document]:
        """Return those of some kinds."""
        return [one for one in self.documents if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Document | None:
        """Return one by its name, if it is there."""
        return next((one for one in self.of(kind) if name_of(one) == name), None)

    def pods(self) -> list[Pod]:
        return [Pod(one) for one in self.of("Deployment", "Job")]

    def selected(self, selector: Mapping[str, Any]) -> list[Pod]:
        """Return the pods that a label selector selects."""
        return [pod for pod in self.pods() if _selects(selector, pod.labels)]


def name_of(document: Document) -> str:
    """Return its name; a List has none."""
    found: str = (document.get("metadata") or {}).get("name", "without a name")
    return found


def label(document: Document) -> str:
    """Return what a message calls a manifest."""
    return f"{document.get('kind')} {name_of(document)}"


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
    return all(
        _OPERATORS[one["operator"]](labels.get(one["key"]), one.get("values", []))
        for one in selector.get("matchExpressions", [])
    )


_OPERATORS: Final[Mapping[str, Callable[[str | None, Sequence[str]], bool]]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}
