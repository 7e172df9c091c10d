"""Requests made of a service's OpenAPI document, and of what it forbids; each answer is checked against it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
"""What the document allows, and what it does not."""

_CHECKS: Final = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)


def examples(few: int) -> int:
    """Return how many requests to make of an operation: `make test-faults` asks many more."""
    return int(os.environ.get("FUZZ_EXAMPLES", str(few)))


def document(settings: Mapping[str, Any] | None = None) -> Any:
    """Return the service's document of its public paths, or another one by drf-spectacular's settings."""
    with patched_settings(settings):
        return SchemaGenerator().get_schema(request=None, public=True)


def operations(document: Any) -> list[tuple[str, str]]:
    """Return the paths and methods, in an order of their own."""
    return sorted((path, method) for path, of in document["paths"].items() for method in of)


def cases(document: Any) -> list[tuple[GenerationMode, str, str]]:
    """Return the modes, paths and methods to try; of a call that takes anything from anyone nothing is forbidden."""
    return [
        (mode, path, method)
        for mode in MODES
        for path, method in operations(document)
        if mode is not GenerationMode.NEGATIVE or _forbids(document["paths"][path][method])
    ]


def _forbids(operation: Mapping[str, Any]) -> bool:
    asked = any(parameter["in"] == "query" for parameter in operation.get("parameters", []))
    return asked or "requestBody" in operation or {} not in operation.get("security", [{}])


def load(document: Any) -> Any:
    """Return the document as schemathesis knows it, with this process's application behind it."""
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = get_wsgi_application()
    return loaded


def ask(
    operation: Any,
    mode: GenerationMode,
    aim: Callable[[Any], None],
    callers: Sequence[Mapping[str, str]],
    *,
    examples: int,
) -> None:
    """Make requests of the mode, each aimed and by one of the callers, and check each answer.

    Args:
        operation: of a loaded document.
        mode: one of MODES.
        aim: changes a request, so that it is about something that is there.
        callers: the headers of each who may ask.
        examples: how many requests.
    """

    @given(case=operation.as_strategy(generation_mode=mode), caller=st.sampled_from(callers))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def one(case: Any, caller: Mapping[str, str]) -> None:
        if case.headers:
            case.headers.pop("Authorization", None)
        aim(case)
        case.validate_response(case.call(headers=caller), checks=list(_CHECKS))

    with _kept_connection():
        one()


@contextlib.contextmanager
def _kept_connection() -> Iterator[None]:
    """Keep the test's connection, and so its transaction, from one request to the next."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)
