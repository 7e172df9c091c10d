"""The OpenAPI documents of a service, of its public paths and of its internal ones.

An operation's words stand at its view: `summary` and `description`, or the docstring of its method; `tags`; and by
`may_answer` the problems of its own. Those that follow from who may call and what is sent are added here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.serializers import BaseSerializer

from chassis.errors import PublicError
from chassis.problems import CONTENT_TYPE, Kind, kind_of, kind_of_status
from chassis.tokens.authentication import IsAdmin, IsStaff, IsStaffOrReadOnly, IsUser

PAGE_PARAMETERS: Final = (
    OpenApiParameter("limit", int, description="1 to 100, by default 20"),
    OpenApiParameter("cursor", str, description="From next or previous of another page"),
)
"""What every list takes (chassis.pagination)."""

INTERNAL: Final = {
    "DESCRIPTION": "For services, behind the private entry point alone.",
    "SCHEMA_PATH_PREFIX": "/internal/v1",
    "PREPROCESSING_HOOKS": ["chassis.openapi.internal_paths_only"],
    "TAGS": [],
    "SERVERS": [],
}
"""The settings of drf-spectacular that make the other document: `spectacular --custom-settings`."""

_Shape = TypeVar("_Shape", bound=type[BaseSerializer[Any]])

_PROBLEMS: Final = "x-problems"
_EXAMPLE: Final = "x-example"
_PROBLEM: Final = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "code": {"type": "string", "description": "What programs decide by; it never changes"},
        "request_id": {"type": "string", "description": "Finds the request in every log"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string", "description": "Into the body (RFC 6901)"},
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
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token that `POST /api/v1/auth/token` answers.",
        }


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


def may_answer(*errors: type[PublicError | exceptions.APIException]) -> dict[str, Any]:
    """Return the `extensions` of extend_schema that name the problems of an operation's own."""
    return {_PROBLEMS: errors}


def example(value: Mapping[str, Any]) -> Callable[[_Shape], _Shape]:
    """Return the decorator of a serializer that shows a value of its, wherever the shape is asked for or answered."""
    return extend_schema_serializer(extensions={_EXAMPLE: value})


class Schema(AutoSchema):
    """An operation as its view tells it (DRF's DEFAULT_SCHEMA_CLASS)."""

    def get_summary(self) -> str | None:
        """Return the first sentence of the method's docstring."""
        return self._sentences()[0] or None

    def get_description(self) -> str:  # type: ignore[override] # drf-spectacular's own signature
        """Return what the method's docstring says after that; a class's is for who reads the code."""
        return self._sentences()[1]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return how a caller shows who they are; an empty way where nobody need."""
        ways: list[dict[str, Any]] = super().get_auth()
        is_open = any(issubclass(one, IsStaffOrReadOnly) for one in self._permissions())
        return [*ways, {}] if is_open and self.method in SAFE_METHODS else ways

    def get_operation(self, *arguments: Any) -> dict[str, Any] | None:
        """Return the operation with the problems that it may answer, for `add_problem_responses`."""
        operation = super().get_operation(*arguments)
        if operation is not None:
            if caller := self._caller():
                told = operation.get("description", "")
                operation["description"] = f"**{caller}** {told}".rstrip()
            own = (kind_of(error) for error in operation.get(_PROBLEMS, ()))
            operation[_PROBLEMS] = sorted({*own, *map(kind_of, self._usual(operation))})
        return operation

    def _sentences(self) -> tuple[str, str]:
        text = " ".join((getattr(self.view, self.method.lower()).__doc__ or "").split())
        first, _, others = text.partition(". ")
        return first.removesuffix("."), others

    def _usual(self, operation: dict[str, Any]) -> Iterator[type[exceptions.APIException]]:
        """Yield what is wrong with the request, and what with its caller."""
        if "requestBody" in operation:
            yield exceptions.ParseError
        asked = (parameter["in"] == "query" for parameter in operation.get("parameters", []))
        if "requestBody" in operation or any(asked):
            yield exceptions.ValidationError
        security = operation.get("security", [])
        if TokenScheme.name in {name for way in security for name in way}:
            yield exceptions.AuthenticationFailed
            if {} not in security:
                yield exceptions.NotAuthenticated
        if any(map(self._is_role, self._permissions())):
            yield exceptions.PermissionDenied
        if self.view.throttle_classes:
            yield exceptions.Throttled

    def _caller(self) -> str:
        """Return whose call this is, where it is not everyone's; services' documents say it at their head."""
        for permission in self._permissions():
            if issubclass(permission, IsAdmin):
                return "For admins."
            if issubclass(permission, IsStaff) and self._is_role(permission):
                return "For staff."
        return ""

    def _permissions(self) -> Sequence[type[BasePermission]]:
        """Return the view's permissions; none of ours is put together by operators."""
        return cast("Sequence[type[BasePermission]]", self.view.permission_classes)

    def _is_role(self, permission: type[BasePermission]) -> bool:
        """Tell whether some callers who are known are refused all the same."""
        if issubclass(permission, IsStaffOrReadOnly):
            return self.method not in SAFE_METHODS
        return not issubclass(permission, (AllowAny, IsAuthenticated, IsUser))


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
    """Say which problems each call may answer (drf-spectacular postprocessing hook)."""
    components = result.setdefault("components", {})
    for shape in components.get("schemas", {}).values():
        if _EXAMPLE in shape:
            shape["example"] = shape.pop(_EXAMPLE)
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    unavailable = kind_of_status(HTTPStatus.SERVICE_UNAVAILABLE)
    examples = {unavailable.code: _example(unavailable)}
    for path in result.get("paths", {}).values():
        for operation in path.values():
            kinds = operation.pop(_PROBLEMS, ())
            examples |= {kind.code: _example(kind) for kind in kinds}
            told = operation.setdefault("responses", {})
            for status, response in told.items():
                response["description"] = response["description"] or HTTPStatus(int(status)).phrase
            for status, same in groupby(kinds, key=attrgetter("status")):
                told[str(status)] = _problem_response(list(same))
            operation["responses"] = dict(sorted(told.items()))
            operation["responses"]["default"] = _response("Any other problem", [unavailable.code])
    components["examples"] = dict(sorted(examples.items()))
    return result


def _problem_response(kinds: list[Kind]) -> dict[str, Any]:
    lines = [f"`{kind.code}`: {kind.title}" for kind in kinds]
    description = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    return _response(description, (kind.code for kind in kinds))


def _response(description: str, codes: Iterable[str] = ()) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if examples := {code: {"$ref": f"#/components/examples/{code}"} for code in codes}:
        content["examples"] = examples
    return {"description": description, "content": {CONTENT_TYPE: content}}


def _example(kind: Kind) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": f"urn:souk:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": "/api/v1/…",
        "code": kind.code,
        "request_id": "019b76da-a800-7000-8000-00000000000b",
    }
    if kind.code == "validation-failed":
        field = {
            "pointer": "#/lines/0/quantity",
            "detail": "This field is required.",
            "code": "required",
        }
        value["errors"] = [field]
    return {"summary": kind.title, "value": value}
