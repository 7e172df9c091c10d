"""simplejwt's token over a backend of ours: kid to key, algorithm pinned per key, strict claims.

PyJWT checks the signature. The text around it is read here: PyJWT would read it letter by letter,
twice where the header is needed first (ADR 0018). A test shows that nothing is accepted here that
PyJWT refuses.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from chassis.tokens.claims import (
    LEEWAY_SECONDS,
    SERVICE_AUDIENCE,
    USER_AUDIENCE,
    AdminClaims,
    ServiceClaims,
    UserClaims,
    admin_audience,
)
from chassis.tokens.keys import keyring

_LONGEST_TOKEN: Final = 4096
_ABSENT: Final = msgspec.Raw()


class Header(msgspec.Struct, frozen=True):
    """What is looked at of a token's header: a key that it brings along or points at is not.

    No extension is understood, so whatever is critical is refused (RFC 7515, section 4.1.11), and
    so is `b64`, which a JWT must not use (RFC 7797, section 7).
    """

    typ: Literal["at+jwt"]  # claims.TOKEN_TYPE
    alg: str
    kid: str
    crit: msgspec.Raw = _ABSENT
    b64: msgspec.Raw = _ABSENT

    def __post_init__(self) -> None:
        """Refuse extensions.

        Raises:
            ValueError: there is one.
        """
        if self.crit or self.b64:
            raise ValueError("the token has an extension")


_decode_header: Final = msgspec.json.Decoder(Header).decode


class VerifyingBackend:
    """What simplejwt asks of a token backend, for one kind of claims."""

    def __init__(
        self,
        claims: type[UserClaims | ServiceClaims],
        *,
        audience: Callable[[], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Verify tokens for this audience, asked for each time, whose claims have this shape."""
        self._decode_claims = msgspec.json.Decoder(claims).decode
        self._audience = audience
        self._clock = clock

    def get_leeway(self) -> timedelta:
        """Return how far clocks may be apart."""
        return timedelta(seconds=LEEWAY_SECONDS)

    def decode(self, token: str | bytes, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 -- simplejwt's
        """Return the claims of a valid token, with the types of the claims' class.

        Raises:
            TokenBackendError: for every other input, whatever is wrong with it.
        """
        if not verify:
            raise TokenBackendError("tokens are always verified")
        try:
            claims = self._verified(token.encode() if isinstance(token, str) else token)
        except (ValueError, RecursionError) as error:  # msgspec's and base64's are ValueErrors
            raise TokenBackendError(str(error)) from error
        return msgspec.structs.asdict(claims)

    def _verified(self, token: bytes) -> UserClaims | ServiceClaims:
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("the token is too long")
        signed, _, signature = token.rpartition(b".")
        head, _, payload = signed.partition(b".")
        header = _decode_header(_from_base64url(head))
        key = keyring.find(header.kid)
        if key is None or header.alg != key.algorithm:
            raise ValueError("the token's key is not known, or not with this algorithm")
        if not key.verify(signed, _from_base64url(signature)):
            raise ValueError("the signature is not the key's")
        claims = self._decode_claims(_from_base64url(payload))
        self._check(claims)
        return claims

    def _check(self, claims: UserClaims | ServiceClaims) -> None:
        """Refuse claims of another issuer, for another audience or of another time."""
        now = self._clock()
        if claims.iss != settings.PUBLIC_URL or claims.aud != self._audience():
            raise ValueError("the token is not from or not for us")
        if claims.exp <= now - LEEWAY_SECONDS:
            raise ValueError("the token has ended")
        if max(claims.iat, claims.nbf) > now + LEEWAY_SECONDS:
            raise ValueError("the token is not valid yet")


def _from_base64url(text: bytes) -> bytes:
    """Return the bytes of a part, which has one text only (RFC 7515, section 2: no padding).

    Raises:
        ValueError: it is padded, has spare bits, or letters that are not base64url's.
    """
    data = urlsafe_b64decode(text + b"==")
    if urlsafe_b64encode(data).rstrip(b"=") != text:
        raise ValueError("the part is not base64url")
    return data


_user_backend = VerifyingBackend(UserClaims, audience=lambda: USER_AUDIENCE)
_service_backend = VerifyingBackend(ServiceClaims, audience=lambda: SERVICE_AUDIENCE)
_admin_backend = VerifyingBackend(AdminClaims, audience=lambda: admin_audience(settings.SERVICE))


class AccessToken(Token):
    """A user's access token."""

    token_type = "access"  # noqa: S105
    lifetime = timedelta(minutes=5)

    def verify(self) -> None:
        """Do nothing: the backend demands and checks exp and jti, to simplejwt's second look as well."""

    @property
    def token_backend(self) -> Any:
        """Return the backend that verifies it."""
        return _user_backend


class AdminAccessToken(AccessToken):
    """A staff member's token for the admin pages of the running service."""

    @property
    def token_backend(self) -> Any:
        """Return the backend that verifies it."""
        return _admin_backend


class ServiceAccessToken(Token):
    """A service's own token."""

    token_type = "service"  # noqa: S105
    lifetime = timedelta(hours=1)

    def verify(self) -> None:
        """Do nothing, as above."""

    @property
    def token_backend(self) -> Any:
        """Return the backend that verifies it."""
        return _service_backend
