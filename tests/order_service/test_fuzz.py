"""Whatever the OpenAPI document allows, and what it does not, is answered as it says."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from schemathesis import GenerationMode

from tests import fuzzing
from tests.order_service.factories import pay, place

EXAMPLES: Final = fuzzing.examples(4)
"""Requests to each operation."""

PUBLIC: Final = fuzzing.document()


@pytest.fixture(scope="module")
def public() -> Any:
    return fuzzing.load(PUBLIC)


def _aim(case: Any, order_ids: list[str]) -> None:
    """Let most of the requests be about orders and products that are there."""
    parameters = case.path_parameters or {}
    if "order_id" in parameters and (number := len(str(case.headers))) % 4:
        parameters["order_id"] = order_ids[number % len(order_ids)]
    if "sku" in parameters and len(str(parameters["sku"])) % 2:
        parameters["sku"] = "LAMP"
    body = case.body if isinstance(case.body, dict) else {}
    lines = body.get("lines")
    for line in lines if isinstance(lines, list) and len(lines) % 2 else []:
        if isinstance(line, dict):
            line["sku"] = "LAMP"


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), fuzzing.operations(PUBLIC))
@pytest.mark.parametrize("mode", fuzzing.MODES)
def test_answers_are_as_documented(
    path: str,
    method: str,
    mode: GenerationMode,
    public: Any,
    client_as: Callable[..., Any],
    token_for: Callable[..., str],
) -> None:
    customer = client_as("customer")
    order_ids = [place(customer).json()["id"] for _ in range(3)]
    pay(customer, order_ids[0])
    tokens = [token_for("customer", customer.user_id), token_for("staff")]
    fuzzing.ask(
        public[path][method.upper()],
        mode,
        lambda case: _aim(case, order_ids),
        [{}, *({"Authorization": f"Bearer {token}"} for token in tokens)],
        examples=EXAMPLES,
    )
