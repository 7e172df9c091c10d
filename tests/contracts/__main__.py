"""Write the contracts that the services generate: `python -m tests.contracts`."""

import json

from tests.contracts.services import CONTRACTS, DOCUMENTS, SERVICES, event_schemas, openapi


def main() -> None:
    """Write contracts/openapi and contracts/events anew."""
    for old in (CONTRACTS / "events").glob("*.schema.json"):
        old.unlink()
    for document in DOCUMENTS:
        (CONTRACTS / "openapi" / f"{document}.yaml").write_text(openapi(document))
    for service in SERVICES:
        for name, schema in event_schemas(service).items():
            path = CONTRACTS / "events" / f"{name}.schema.json"
            path.write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
