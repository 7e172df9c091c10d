"""The OpenAPI documents of a service, of its public paths and of its internal ones; each call may answer a problem."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter

PAGE_PARAMETERS: Final = (
    OpenApiParameter("limit", int, description="1 to 100, by default 20"),
    OpenApiParameter("cursor", str, description="From next or previous of another page"),
)
"""What every list takes (chassis.pagination)."""

INTERNAL: Final = {
    "DESCRIPTION": "For services, behind the private entry point alone.",
    "SCHEMA_PATH_PREFIX": "/internal/v1",
    "PREPROCESSING_HOOKS": ["chassis.openapi.internal_paths_only"],
}
"""The settings of drf-spectacular that make the other document: `spectacular --custom-settings`."""

_PROBLEM: Final = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a caller shows the access token (drf-spectacular finds the class by itself)."""

    target_class = "chassis.tokens.authentication.TokenAuthentication"
    match_subclasses = True
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme object (OpenAPI 3.0, section 4.7.25)."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ClientScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a service shows its client id and secret."""

    target_class = "rest_framework.authentication.BasicAuthentication"
    match_subclasses = True
    name = "client"
    # Before drf-spectacular's own, which knows no subclasses.
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme object."""
        return {"type": "http", "scheme": "basic"}


def public_paths_only(
    endpoints: list[tuple[str, str, str, Any]], **_: Any
) -> list[tuple[str, str, str, Any]]:
    """Leave out what is not reachable through the gateway (drf-spectacular preprocessing hook)."""
    return [
        endpoint for endpoint in endpoints if endpoint[0].startswith(("/api/", "/.well-known/"))
    ]


def internal_paths_only(
    endpoints: list[tuple[str, str, str, Any]], **_: Any
) -> list[tuple[str, str, str, Any]]:
    """Leave out all but what services ask of each other (drf-spectacular preprocessing hook)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/internal/")]


def add_problem_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that every call may answer a problem (drf-spectacular postprocessing hook)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path in result.get("paths", {}).values():
        for operation in path.values():
            operation.setdefault("responses", {})["default"] = {
                "description": "A problem",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                },
            }
    return result
