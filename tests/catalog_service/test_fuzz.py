"""Whatever the OpenAPI documents allow, and what they do not, is answered as they say."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from schemathesis import GenerationMode

from apps.catalog_service.models import Product
from apps.catalog_service.services import reservations
from chassis import openapi
from chassis.ids import uuid7
from tests import fuzzing
from tests.catalog_service import factories
from tests.conftest import SigningKey, service_claims

EXAMPLES: Final = fuzzing.examples(3)
"""Requests to each operation by each caller; the longest part of a test is to learn what may be asked."""

PUBLIC: Final = fuzzing.document()
INTERNAL: Final = fuzzing.document(openapi.INTERNAL)


@pytest.fixture(scope="module")
def public() -> Any:
    return fuzzing.load(PUBLIC)


@pytest.fixture(scope="module")
def internal() -> Any:
    return fuzzing.load(INTERNAL)


def _aim(case: Any, slugs: list[str]) -> None:
    """Let half of the requests be about something that is there."""
    if "slug" in case.path_parameters and len(str(case.path_parameters["slug"])) % 2:
        case.path_parameters["slug"] = slugs[len(slugs) > 1 and "categories" in case.path]


def _aim_at_order(case: Any, product: Product, order_id: str) -> None:
    """Let half of the requests be about the order, and half of what they ask for be the product."""
    if (
        "order_id" in case.path_parameters
        and str(case.path_parameters["order_id"])[-1:] in "02468ace"
    ):
        case.path_parameters["order_id"] = order_id
    lines = case.body.get("lines") if isinstance(case.body, dict) else None
    for line in lines if isinstance(lines, list) and len(lines) % 2 else []:
        if isinstance(line, dict):
            line["sku"] = product.sku


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "path", "method"), fuzzing.cases(PUBLIC))
def test_answers_are_as_documented(
    mode: GenerationMode,
    path: str,
    method: str,
    public: Any,
    token_for: Callable[..., str],
) -> None:
    product = factories.product(3, name="Red lamp", attributes={"color": "red", "size": 3})
    slugs = [product.slug, factories.category().slug]
    callers: list[dict[str, str]] = [{}, {"Authorization": f"Bearer {token_for('staff')}"}]
    is_list = path == factories.PRODUCTS and method == "get"
    fuzzing.ask(
        public[path][method.upper()],
        mode,
        lambda case: _aim(case, slugs),
        callers,
        examples=EXAMPLES * len(callers) * (4 if is_list else 1),
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), fuzzing.operations(INTERNAL))
@pytest.mark.parametrize("mode", fuzzing.MODES)
def test_services_are_answered_as_documented(
    path: str, method: str, mode: GenerationMode, internal: Any, signing_key: SigningKey
) -> None:
    product = factories.product(5_000)  # as many as half of the lines want
    order_id = uuid7()
    line = reservations.WantedLine(product.sku, 1, 0)
    reservations.reserve(order_id=order_id, lines=[line])
    token = signing_key.sign(service_claims("order", "stock:reserve"))
    fuzzing.ask(
        internal[path][method.upper()],
        mode,
        lambda case: _aim_at_order(case, product, str(order_id)),
        [{"Authorization": f"Bearer {token}"}],
        examples=EXAMPLES,
    )
