"""Whatever the OpenAPI document allows, and what it does not, is answered as it says."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from tests.catalog_service import factories

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "10"))
"""Requests to each operation by each caller; `make test-faults` asks many more."""

CHECKS: Final = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)


DOCUMENT: Final = SchemaGenerator().get_schema(request=None, public=True)
OPERATIONS: Final = sorted(
    (path, method) for path, operations in DOCUMENT["paths"].items() for method in operations
)


@pytest.fixture(scope="module")
def schema() -> Any:
    loaded = schemathesis.openapi.from_dict(DOCUMENT)
    loaded.app = get_wsgi_application()
    return loaded


@pytest.fixture
def _kept_connection() -> Iterator[None]:
    """Keep the test's connection, and so its transaction, from one request to the next."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


def _aim(case: Any, slugs: list[str]) -> None:
    """Let half of the requests be about something that is there, and none bring a token of its own."""
    if case.headers:
        case.headers.pop("Authorization", None)
    if "slug" in case.path_parameters and len(str(case.path_parameters["slug"])) % 2:
        case.path_parameters["slug"] = slugs[len(slugs) > 1 and "categories" in case.path]


@pytest.mark.django_db
@pytest.mark.usefixtures("_kept_connection")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("role", [None, "staff"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_documented(
    path: str,
    method: str,
    role: str | None,
    mode: GenerationMode,
    schema: Any,
    token_for: Callable[..., str],
) -> None:
    product = factories.product(3, name="Red lamp", attributes={"color": "red", "size": 3})
    slugs = [product.slug, factories.category().slug]
    headers = {"Authorization": f"Bearer {token_for(role)}"} if role else {}

    @given(case=schema[path][method.upper()].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES * (4 if path == factories.PRODUCTS and method == "get" else 1),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        _aim(case, slugs)
        case.validate_response(case.call(headers=headers), checks=list(CHECKS))

    ask()
