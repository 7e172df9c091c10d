"""What manifests must be. Each rule yields one sentence for each fault."""

from collections.abc import Callable, Iterator
from typing import Final

from tests.kubernetes.manifests import Manifests
from tests.kubernetes.rules import cluster, network, pods, references, schemas, variables

Rule = Callable[[Manifests], Iterator[str]]

SHAPES: Final[tuple[Rule, ...]] = (schemas.core, schemas.traefik)
RULES: Final[tuple[Rule, ...]] = (
    *SHAPES,
    cluster.kinds,
    cluster.granted,
    cluster.gateway,
    pods.hardened,
    pods.of_known_processes,
    pods.watched,
    pods.bounded,
    pods.of_known_images,
    pods.rolled_out_without_a_gap,
    pods.spread_and_kept,
    references.selectors,
    references.ports,
    references.scaling,
    references.parts_of_pods,
    references.routes,
    network.closed,
    network.policies,
    network.doors,
    network.services,
    variables.plain,
    variables.known_and_given,
    variables.readable,
    variables.secrets,
    variables.files_of_the_catalog,
)


def faults(manifests: Manifests) -> list[str]:
    """Return all that is wrong; where a field is not known or lacks, that alone.

    The other rules take it for granted that each field is of its type.
    """
    unshapely = [sentence for rule in SHAPES for sentence in rule(manifests)]
    return unshapely or [sentence for rule in RULES for sentence in rule(manifests)]
