"""Write the contracts that the services generate: `python -m tests.contracts`.

`python -m tests.contracts release` makes them those of the last release (contracts/released).
"""

import argparse
import sys
from collections.abc import Sequence

from tests.contracts import catalogue, conventions, release
from tests.contracts.services import CONTRACTS, DOCUMENTS, declared, openapi, published


def main(arguments: Sequence[str]) -> int:
    """Write or release the contracts; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.contracts", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("write", "release"), default="write")
    what = parser.parse_args(arguments).what
    if what == "release":
        if sentences := list(release.broken()):
            print("Nothing was released.", *sentences, sep="\n", file=sys.stderr)
            return 1
        release.renew()
    write()
    return 0


def write() -> None:
    """Write contracts/openapi, contracts/events, the envelope's schema, docs/events.md and docs/api.md anew."""
    for old in (CONTRACTS / "events").glob("*.schema.json"):
        old.unlink()
    for document in DOCUMENTS:
        (CONTRACTS / "openapi" / f"{document}.yaml").write_text(openapi(document))
    for name, schema in published().items():
        release.write_json(CONTRACTS / "events" / f"{name}.schema.json", schema)
    release.write_json(CONTRACTS / "envelope.schema.json", declared("order")["envelope"])
    catalogue.PAGE.write_text(catalogue.page(), encoding="utf-8")
    conventions.PAGE.write_text(conventions.page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
