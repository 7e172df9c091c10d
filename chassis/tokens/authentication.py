"""Who is asking: DRF authentication by a verified token, and the permissions it gives."""

from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from chassis.tokens import verification
from chassis.tokens.verification import Verifier


class TokenAuthentication(BaseAuthentication):
    """Accepts users' access tokens. `request.auth` is the verdict on the token.

    simplejwt's own class looks up the user model for each request, and is not built upon.
    """

    verifier: ClassVar[Verifier] = verification.users

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        # Another scheme shows no token, and then no error is told.
        scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0]
        offered = scheme.lower() == "bearer"
        return 'Bearer error="invalid_token"' if offered else 'Bearer realm="souk"'

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the principal and the verdict; None where no token is shown. Nothing is looked up.

        The scheme is written in any case (RFC 9110, section 11.1).

        Raises:
            InvalidToken: what follows the scheme is not one valid token.
            KeysUnknown: the process has no keys or no deny list yet.
        """
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        verdict = self.verifier.verify(token.strip(" "))
        return verdict.principal, verdict


class ServiceAuthentication(TokenAuthentication):
    """Accepts services' tokens: for the paths behind the private entry point."""

    verifier = verification.services


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
