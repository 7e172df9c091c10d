"""What a token must say, and of which types. Claims beyond these are ignored (RFC 7519, section 4)."""

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

ALGORITHM: Final = "ES256"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 -- RFC 9068, section 2.1
USER_AUDIENCE: Final = "souk"
SERVICE_AUDIENCE: Final = "souk-internal"
ADMIN_AUDIENCE: Final = "souk-admin-{service}"
"""Of the token that opens one service's admin pages; see `admin_audience`."""
LEEWAY_SECONDS: Final = 5
"""How far the clocks of two services may be apart."""

Role = Literal["customer", "staff", "admin"]
Timestamp = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Whole seconds since 1970, up to the last that a datetime can hold."""


class UserClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of a user's access token; nothing personal."""

    iss: str
    aud: Literal["souk"]
    sub: UUID
    user_id: UUID
    role: Role
    exp: Timestamp
    iat: Timestamp
    nbf: Timestamp = 0
    jti: UUID
    scope: str


class ServiceClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of a service's token; `sub` is its client id."""

    iss: str
    aud: Literal["souk-internal"]
    sub: str
    role: Literal["service"]
    exp: Timestamp
    iat: Timestamp
    nbf: Timestamp = 0
    jti: UUID
    scope: str


class AdminClaims(UserClaims, frozen=True, kw_only=True):
    """Claims of the token that opens a service's admin pages; `aud` names the service."""

    aud: str  # type: ignore[assignment] # one text as elsewhere; which one, the backend compares
    role: Literal["staff", "admin"]


def admin_audience(service: str) -> str:
    """Return the `aud` of tokens that open the admin pages of a service (auth, catalog or order)."""
    return ADMIN_AUDIENCE.format(service=service)
