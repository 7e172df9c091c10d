"""The OpenAPI documents: as checked in, and true to the public contract's paths."""

import pytest
import yaml

from tests.contracts.services import CONTRACTS, SERVICES, openapi


@pytest.mark.parametrize("service", SERVICES)
class TestCheckedInDocument:
    def test_is_what_the_service_generates(self, service: str) -> None:
        checked_in = (CONTRACTS / "openapi" / f"{service}.yaml").read_text()
        assert checked_in == openapi(service), "run `make contracts` and look at what changed"

    def test_holds_public_paths_without_trailing_slash_only(self, service: str) -> None:
        paths = yaml.safe_load(openapi(service))["paths"]
        assert paths
        wrong = [
            p for p in paths if p.endswith("/") or not p.startswith(("/api/v1/", "/.well-known/"))
        ]
        assert wrong == []

    def test_says_that_every_call_may_answer_a_problem(self, service: str) -> None:
        paths = yaml.safe_load(openapi(service))["paths"]
        operations = [operation for path in paths.values() for operation in path.values()]
        assert all(
            "application/problem+json" in o["responses"]["default"]["content"] for o in operations
        )
