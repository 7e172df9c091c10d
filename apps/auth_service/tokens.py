"""Issuing: simplejwt's tokens, as the chassis verifies them, with a backend that signs."""

from datetime import datetime
from typing import Any, Final

import jwt
from django.conf import settings
from rest_framework_simplejwt.tokens import Token

from apps.auth_service import keys
from apps.auth_service.models import User
from chassis.ids import uuid7
from chassis.tokens import deny
from chassis.tokens.access import AccessToken, ServiceAccessToken
from chassis.tokens.claims import (
    ALGORITHM,
    SERVICE_AUDIENCE,
    TOKEN_TYPE,
    USER_AUDIENCE,
    admin_audience,
)

ACCESS_SECONDS: Final = int(AccessToken.lifetime.total_seconds())
SERVICE_SECONDS: Final = int(ServiceAccessToken.lifetime.total_seconds())


class SigningBackend:
    """What simplejwt asks of a backend that writes tokens."""

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the payload as a JWT signed with the present key."""
        key = keys.current_key()
        headers = {"typ": TOKEN_TYPE, "kid": key.kid}
        return jwt.encode(payload, key.key, algorithm=ALGORITHM, headers=headers)


class IssuedAccessToken(AccessToken):
    """A user's access token on its way out."""

    @property
    def token_backend(self) -> Any:
        """Return the backend that signs it."""
        return SigningBackend()


class IssuedServiceToken(ServiceAccessToken):
    """A service's token on its way out."""

    @property
    def token_backend(self) -> Any:
        """Return the backend that signs it."""
        return SigningBackend()


def issue_access_token(user: User, *, now: datetime) -> str:
    """Return a user's access token, valid for ACCESS_SECONDS (RFC 9068).

    A user's rights come from the role; the scope is empty. In the second of a change of rights, it
    carries the next one: it is issued after the change.
    """
    return _issue(
        IssuedAccessToken(),
        now=deny.first_issuable(user.id, now=now),
        aud=USER_AUDIENCE,
        sub=str(user.id),
        user_id=str(user.id),
        role=str(user.role),
        scope="",
    )


def issue_admin_token(user: User, *, service: str, now: datetime) -> str:
    """Return a token that opens one service's admin for ACCESS_SECONDS, and nothing else."""
    return _issue(
        IssuedAccessToken(),
        now=deny.first_issuable(user.id, now=now),
        aud=admin_audience(service),
        sub=str(user.id),
        user_id=str(user.id),
        role=str(user.role),
        scope="",
    )


def issue_service_token(client_id: str, *, scope: str, now: datetime) -> str:
    """Return a service's own token, valid for SERVICE_SECONDS."""
    return _issue(
        IssuedServiceToken(),
        now=now,
        aud=SERVICE_AUDIENCE,
        sub=client_id,
        role="service",
        scope=scope,
    )


def _issue(token: Token, *, now: datetime, **claims: str) -> str:
    token.payload = {"iss": settings.PUBLIC_URL, "jti": str(uuid7()), **claims}
    token.set_iat(at_time=now)
    token.set_exp(from_time=now)
    return str(token)
