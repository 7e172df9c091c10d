"""The OpenAPI documents: as checked in, and each of its own paths; what the page at /docs and docs/api.md make of them."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.contracts import conventions
from tests.contracts.apis import plain
from tests.contracts.services import CONTRACTS, DOCUMENTS, SERVICES, openapi, problems

LONGEST_SUMMARY: Final = 60
# What the API never answers: staff's pages alone do.
ON_PAGES: Final = {"catalog": {"price-too-high", "stock-moved"}}


def parsed(document: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(openapi(document))
    return found


def operations(document: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in parsed(document)["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def problems_of(operation: dict[str, Any]) -> set[str]:
    contents = [
        response.get("content", {}).get("application/problem+json", {})
        for status, response in operation["responses"].items()
        if status != "default"
    ]
    return {code for content in contents for code in content.get("examples", {})}


@pytest.mark.parametrize("document", DOCUMENTS)
class TestCheckedInDocument:
    def test_is_what_the_service_generates(self, document: str) -> None:
        checked_in = (CONTRACTS / "openapi" / f"{document}.yaml").read_text()
        assert checked_in == openapi(document), "run `make contracts` and look at what changed"

    def test_holds_its_own_paths_without_trailing_slash_only(self, document: str) -> None:
        paths = parsed(document)["paths"]
        own = ("/internal/v1/",) if "-" in document else ("/api/v1/", "/.well-known/")
        assert paths
        assert [path for path in paths if path.endswith("/") or not path.startswith(own)] == []

    def test_says_that_every_call_may_answer_a_problem(self, document: str) -> None:
        assert all(
            "application/problem+json" in operation["responses"]["default"]["content"]
            for _, _, operation in operations(document)
        )

    def test_shows_examples_that_are_valid(self, document: str) -> None:
        whole = parsed(document)
        shown = [
            (name, schema["example"], plain(schema, whole))
            for name, schema in whole["components"]["schemas"].items()
            if "example" in schema
        ]
        problem = plain(whole["components"]["schemas"]["Problem"], whole)
        shown += [(n, e["value"], problem) for n, e in whole["components"]["examples"].items()]
        assert shown
        for name, value, schema in shown:
            found = [error.message for error in Draft202012Validator(schema).iter_errors(value)]
            assert found == [], name
            assert value.keys() <= schema["properties"].keys(), name


@pytest.mark.parametrize("service", SERVICES)
class TestPublicDocument:
    def test_tells_of_each_call_what_it_does_and_where_it_belongs(self, service: str) -> None:
        tags = [tag["name"] for tag in parsed(service)["tags"]]
        used = set()
        for path, method, operation in operations(service):
            summary = operation["summary"]
            assert 0 < len(summary) <= LONGEST_SUMMARY, (method, path)
            assert not summary.endswith("."), (method, path)
            assert len(operation["tags"]) == 1, (method, path)
            used |= set(operation["tags"])
        assert used == set(tags)

    def test_is_of_whatever_host_serves_it(self, service: str) -> None:
        assert parsed(service)["servers"] == [{"url": "/"}]
        assert "127.0.0.1" not in openapi(service)
        assert "/internal/" not in openapi(service)

    def test_names_the_token_where_one_is_needed(self, service: str) -> None:
        scheme = parsed(service)["components"]["securitySchemes"]["token"]
        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == (
            "http",
            "bearer",
            "JWT",
        )
        for path, method, operation in operations(service):
            needs_token = {"token": []} in operation.get("security", []) and (
                {} not in operation["security"]
            )
            assert needs_token == ("authentication-required" in problems_of(operation)), (
                method,
                path,
            )

    def test_names_each_problem_of_the_service_at_some_call(self, service: str) -> None:
        named = set[str]().union(
            *(problems_of(o) for d in (service, f"{service}-internal") for _, _, o in operations(d))
        )
        own = {code for code, problem in problems(service).items() if problem["about"]}
        assert own - named == ON_PAGES.get(service, set())


class TestCalls:
    def test_have_names_of_their_own_in_all_documents(self) -> None:
        names = [o["operationId"] for service in SERVICES for _, _, o in operations(service)]
        assert len(names) == len(set(names))

    def test_need_no_token_to_read_the_catalogue(self) -> None:
        open_to_all = {
            path
            for path, method, operation in operations("catalog")
            if method == "get" and {} in operation["security"]
        }
        assert open_to_all == {
            "/api/v1/catalog/products",
            "/api/v1/catalog/products/suggest",
            "/api/v1/catalog/products/{slug}",
            "/api/v1/catalog/categories",
            "/api/v1/catalog/categories/{slug}",
        }

    def test_answer_what_their_code_raises(self) -> None:
        """A few of each service, counted by hand: the rules that add the usual ones are in chassis.openapi."""
        found = {o["operationId"]: problems_of(o) for s in SERVICES for _, _, o in operations(s)}
        assert found["orders_place"] == {
            *("body-malformed", "validation-failed", "authentication-required", "token-invalid"),
            *("idempotency-key-required", "idempotency-key-invalid", "idempotency-key-reused"),
            *("idempotency-in-progress", "out-of-stock", "unknown-sku", "price-changed"),
            "too-many-open-orders",
        }
        assert found["tokens_issue"] == {
            *("body-malformed", "validation-failed", "credentials-invalid", "rate-limited"),
        }
        assert found["stock_read"] == {
            *("authentication-required", "token-invalid", "permission-denied", "not-found"),
        }
        assert found["products_list"] == {"token-invalid", "validation-failed"}


class TestPageOfConventions:
    def test_is_what_the_services_tell(self) -> None:
        assert conventions.PAGE.read_text(encoding="utf-8") == conventions.page(), (
            "run `make contracts` and look at what changed"
        )

    def test_tells_every_problem_with_one_status(self) -> None:
        page = conventions.page()
        for service in SERVICES:
            for code, problem in problems(service).items():
                assert f"\n| {problem['status']} | `{code}` |" in page
