"""simplejwt's token over a backend of ours: kid to key, algorithm pinned per key, strict claims."""

from datetime import timedelta
from typing import Any, Final

import jwt
import msgspec
from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from chassis.tokens.claims import (
    LEEWAY_SECONDS,
    SERVICE_AUDIENCE,
    TOKEN_TYPE,
    USER_AUDIENCE,
    ServiceClaims,
    UserClaims,
)
from chassis.tokens.keys import keyring

_LONGEST_TOKEN: Final = 4096
# PyJWT raises these for input that is no token at all, some only through the libraries below it.
_MALFORMED: Final = (
    jwt.PyJWTError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class VerifyingBackend:
    """What simplejwt asks of a token backend, for one kind of claims."""

    def __init__(self, claims: type[UserClaims | ServiceClaims], *, audience: str) -> None:
        """Verify tokens for this audience whose claims have this shape."""
        self._claims = claims
        self._audience = audience

    def get_leeway(self) -> timedelta:
        """Return how far clocks may be apart."""
        return timedelta(seconds=LEEWAY_SECONDS)

    def decode(self, token: str | bytes, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 -- simplejwt's
        """Return the claims of a valid token.

        Raises:
            TokenBackendError: for every other input, whatever is wrong with it.
        """
        if not verify:
            raise TokenBackendError("tokens are always verified")
        if len(token) > _LONGEST_TOKEN:
            raise TokenBackendError("the token is too long")
        try:
            return self._decode(token)
        except _MALFORMED as error:
            raise TokenBackendError(str(error)) from error

    def _decode(self, token: str | bytes) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TOKEN_TYPE:
            raise TokenBackendError("the token is not an access token")
        key = keyring.find(str(header.get("kid", "")))
        if key is None:
            raise TokenBackendError("the token's key is not known")
        payload = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=self._audience,
            issuer=settings.PUBLIC_URL,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
        )
        msgspec.convert(payload, self._claims)
        return payload


_user_backend = VerifyingBackend(UserClaims, audience=USER_AUDIENCE)
_service_backend = VerifyingBackend(ServiceClaims, audience=SERVICE_AUDIENCE)


class AccessToken(Token):
    """A user's access token."""

    token_type = "access"  # noqa: S105
    lifetime = timedelta(minutes=5)

    @property
    def token_backend(self) -> Any:
        """Return the backend that verifies it."""
        return _user_backend


class ServiceAccessToken(Token):
    """A service's own token."""

    token_type = "service"  # noqa: S105
    lifetime = timedelta(hours=1)

    @property
    def token_backend(self) -> Any:
        """Return the backend that verifies it."""
        return _service_backend
