"""Whatever the OpenAPI documents allow, and what they do not, is answered as they say."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from apps.catalog_service.models import Product
from apps.catalog_service.services import reservations
from chassis import openapi
from chassis.ids import uuid7
from tests.catalog_service import factories
from tests.conftest import SigningKey, service_claims

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "10"))
"""Requests to each operation by each caller; `make test-faults` asks many more."""

CHECKS: Final = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)


def _document(settings: Mapping[str, Any] | None = None) -> Any:
    with patched_settings(settings):
        return SchemaGenerator().get_schema(request=None, public=True)


PUBLIC: Final = _document()
INTERNAL: Final = _document(openapi.INTERNAL)


def _operations(document: Any) -> list[tuple[str, str]]:
    """Return the paths and methods, in an order of their own."""
    return sorted((path, method) for path, of in document["paths"].items() for method in of)


def _loaded(document: Any) -> Any:
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = get_wsgi_application()
    return loaded


@pytest.fixture(scope="module")
def public() -> Any:
    return _loaded(PUBLIC)


@pytest.fixture(scope="module")
def internal() -> Any:
    return _loaded(INTERNAL)


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


def _aim_at_order(case: Any, product: Product, order_id: str) -> None:
    """Let half of the requests be about the order, and half of what they ask for be the product."""
    case.headers.pop("Authorization", None)
    if str(case.path_parameters["order_id"])[-1:] in "02468ace":
        case.path_parameters["order_id"] = order_id
    lines = case.body.get("lines") if isinstance(case.body, dict) else None
    for line in lines if isinstance(lines, list) and len(lines) % 2 else []:
        if isinstance(line, dict):
            line["sku"] = product.sku


def _ask(
    operation: Any,
    mode: GenerationMode,
    aim: Callable[[Any], None],
    headers: Mapping[str, str],
    *,
    examples: int = EXAMPLES,
) -> None:
    """Make requests of the mode, aimed, and check each answer."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        aim(case)
        case.validate_response(case.call(headers=headers), checks=list(CHECKS))

    ask()


@pytest.mark.django_db
@pytest.mark.usefixtures("_kept_connection")
@pytest.mark.parametrize(("path", "method"), _operations(PUBLIC))
@pytest.mark.parametrize("role", [None, "staff"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_documented(
    path: str,
    method: str,
    role: str | None,
    mode: GenerationMode,
    public: Any,
    token_for: Callable[..., str],
) -> None:
    product = factories.product(3, name="Red lamp", attributes={"color": "red", "size": 3})
    slugs = [product.slug, factories.category().slug]
    headers = {"Authorization": f"Bearer {token_for(role)}"} if role else {}
    is_list = path == factories.PRODUCTS and method == "get"
    _ask(
        public[path][method.upper()],
        mode,
        lambda case: _aim(case, slugs),
        headers,
        examples=EXAMPLES * (4 if is_list else 1),
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("_kept_connection")
@pytest.mark.parametrize(("path", "method"), _operations(INTERNAL))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_services_are_answered_as_documented(
    path: str, method: str, mode: GenerationMode, internal: Any, signing_key: SigningKey
) -> None:
    product = factories.product(5_000)  # as many as half of the lines want
    order_id = uuid7()
    line = reservations.WantedLine(product.sku, 1, 0)
    reservations.reserve(order_id=order_id, lines=[line])
    token = signing_key.sign(service_claims("order", "stock:reserve"))
    _ask(
        internal[path][method.upper()],
        mode,
        lambda case: _aim_at_order(case, product, str(order_id)),
        {"Authorization": f"Bearer {token}"},
    )
