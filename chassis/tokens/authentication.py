"""Who is asking: DRF authentication by a verified token, and the permissions it gives."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from chassis.tokens.access import AccessToken, ServiceAccessToken
from chassis.tokens.keys import keyring


@dataclass(frozen=True, slots=True)
class Principal:
    """The user or service that a verified token speaks for. `user_id` is None for a service."""

    subject: str
    role: str
    scopes: frozenset[str]
    user_id: UUID | None = None

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """Return what throttles count by."""
        return self.subject

    @property
    def is_staff(self) -> bool:
        """Tell whether staff's calls are open to it."""
        return self.role in {"staff", "admin"}

    @property
    def is_admin(self) -> bool:
        """Tell whether the admin's calls are open to it."""
        return self.role == "admin"


class InvalidToken(AuthenticationFailed):
    """The token is not valid; says so as RFC 6750 section 3.1 does, and not why."""

    default_detail = "The token is not valid"


class KeysUnknown(APIException):
    """No verification key is known yet: whether the token is valid cannot be said."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Tokens cannot be verified yet"
    wait = 1
    """Seconds until it is worth another try."""


class TokenAuthentication(JWTStatelessUserAuthentication):
    """Accepts users' access tokens."""

    token_class: type[Token] = AccessToken

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        offered = request.META.get("HTTP_AUTHORIZATION")
        return 'Bearer error="invalid_token"' if offered else 'Bearer realm="souk"'

    def get_raw_token(self, header: bytes) -> bytes | None:
        """Return what follows the scheme, which is written in any case (RFC 9110, section 11.1).

        Raises:
            InvalidToken: the header holds something else than one scheme and one token.
        """
        scheme, *rest = header.split() or [b""]
        if scheme.lower() != b"bearer":
            return None
        if len(rest) != 1:
            raise InvalidToken
        return rest[0]

    def get_validated_token(self, raw_token: bytes) -> Token:
        """Return the verified token.

        Raises:
            InvalidToken: it is not valid, for whatever reason.
            KeysUnknown: the process has no keys yet.
        """
        if not keyring:
            raise KeysUnknown
        try:
            return self.token_class(cast("Token", raw_token))  # simplejwt's annotation is wrong
        except TokenError as error:
            raise InvalidToken from error

    def get_user(self, validated_token: Any) -> Any:
        """Return the principal; nothing is looked up."""
        user_id = validated_token.get("user_id")
        return Principal(
            subject=validated_token["sub"],
            role=validated_token["role"],
            scopes=frozenset(validated_token["scope"].split()),
            user_id=UUID(user_id) if user_id else None,
        )


class ServiceAuthentication(TokenAuthentication):
    """Accepts services' tokens: for the paths behind the private entry point."""

    token_class = ServiceAccessToken


class IsStaff(BasePermission):
    """Open to staff and admins."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the token's role is staff or admin."""
        return bool(getattr(request.user, "is_staff", False))


class IsStaffOrReadOnly(IsStaff):
    """Everyone reads, staff writes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the method only reads, or the role is staff or admin."""
        return request.method in SAFE_METHODS or super().has_permission(request, view)


class IsAdmin(BasePermission):
    """Open to admins."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the token's role is admin."""
        return bool(getattr(request.user, "is_admin", False))


class IsUser(BasePermission):
    """Open to users of every role: staff may shop too. Not to services."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the token speaks for a user."""
        return getattr(request.user, "user_id", None) is not None


def has_scope(scope: str) -> type[BasePermission]:
    """Return the permission class that is open to services whose token has the scope."""

    class HasScope(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            return scope in getattr(request.user, "scopes", frozenset())

    return HasScope
