"""Check the Dockerfile and the compose files for what makes containers hard to break out of.

`python -m tests.hardening` prints what is wrong, and needs no Docker.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.hardening import compose, compose_rules, dockerfile, dockerfile_rules, secrecy

ROOT: Final = Path(__file__).resolve().parent.parent.parent
VARIANTS: Final[tuple[dict[str, str], ...]] = ({}, {"SOUK_TLS": "on"})
"""Variables by which compose.yaml is another project."""
WITHOUT_SECRETS: Final = (
    *("compose.yaml", "compose/*", "Dockerfile", ".dockerignore", "gateway/**/*"),
    "deploy/**/*",
)
"""The files that are searched for secrets."""


def main() -> int:
    """Print every finding; return 0 when there is none."""
    found = list(findings(ROOT))
    for one in found:
        print(one)
    return 1 if found else 0


def findings(root: Path) -> Iterator[str]:
    """Yield what is wrong with the containers of a checkout."""
    for variables in VARIANTS:
        project = compose.read(root / "compose.yaml", variables)
        said = " ".join(["compose", *(f"{name}={value}" for name, value in variables.items())])
        for rule in compose_rules.RULES:
            yield from (f"{said}: {one}" for one in rule(project))
    file = dockerfile.read(root / "Dockerfile")
    for one in dockerfile_rules.RULES:
        yield from (f"Dockerfile: {finding}" for finding in one(file))
    ignored = (root / ".dockerignore").read_text(encoding="utf-8")
    yield from dockerfile_rules.leaves_out(ignored)
    for pattern in WITHOUT_SECRETS:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                for line, what in secrecy.secrets_in(path.read_text(encoding="utf-8")):
                    yield f"{path.relative_to(root)}:{line}: {what}"


if __name__ == "__main__":
    sys.exit(main())
