"""The OpenAPI documents: as checked in, and each of its own paths."""

import pytest
import yaml

from tests.contracts.services import CONTRACTS, DOCUMENTS, openapi


@pytest.mark.parametrize("document", DOCUMENTS)
class TestCheckedInDocument:
    def test_is_what_the_service_generates(self, document: str) -> None:
        checked_in = (CONTRACTS / "openapi" / f"{document}.yaml").read_text()
        assert checked_in == openapi(document), "run `make contracts` and look at what changed"

    def test_holds_its_own_paths_without_trailing_slash_only(self, document: str) -> None:
        paths = yaml.safe_load(openapi(document))["paths"]
        own = ("/internal/v1/",) if "-" in document else ("/api/v1/", "/.well-known/")
        assert paths
        assert [path for path in paths if path.endswith("/") or not path.startswith(own)] == []

    def test_says_that_every_call_may_answer_a_problem(self, document: str) -> None:
        paths = yaml.safe_load(openapi(document))["paths"]
        operations = [operation for path in paths.values() for operation in path.values()]
        assert all(
            "application/problem+json" in o["responses"]["default"]["content"] for o in operations
        )
