"""Check deploy/kubernetes: `python -m tests.kubernetes`; `render OVERLAY` prints its manifests."""

import sys

import yaml

from tests.kubernetes import OVERLAYS
from tests.kubernetes.kustomize import render
from tests.kubernetes.manifests import Manifests
from tests.kubernetes.rules import faults
from tests.kubernetes.rules.schemas import NEWEST, OLDEST


def main(arguments: list[str]) -> int:
    """Check every overlay, or print one; return 0 when nothing is wrong."""
    if arguments[:1] == ["render"]:
        print(yaml.safe_dump_all(render(OVERLAYS / arguments[1]), sort_keys=False), end="")
        return 0
    failed = False
    for folder in sorted(OVERLAYS.iterdir()):
        documents = render(folder)
        found = faults(Manifests(documents))
        failed |= bool(found)
        verdict = f"{len(found)} faults" if found else "good"
        print(
            f"{folder.name}: {len(documents)} manifests for Kubernetes {OLDEST} to {NEWEST}: {verdict}"
        )
        for sentence in found:
            print(f"  {sentence}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
