"""Letting the other services in."""

import hmac
from datetime import datetime
from hashlib import sha256

from django.utils import timezone

from apps.auth_service import conf, tokens
from apps.auth_service.errors import ClientInvalid


def verify_client(client_id: str, secret: str) -> None:
    """Check a service's credentials; every secret is compared, in constant time.

    Raises:
        ClientInvalid: the client is unknown or the secret is wrong.
    """
    shown = sha256(secret.encode()).hexdigest()
    # An unknown client is compared with what it sent, and refused by `known`.
    known = conf.client_secret_hashes(client_id)
    matches = [hmac.compare_digest(shown, expected) for expected in known or (shown,)]
    if not (known and any(matches)):
        raise ClientInvalid


def issue_service_token(client_id: str, *, now: datetime | None = None) -> str:
    """Return a token with the scopes of a verified client."""
    scope = conf.CLIENT_SCOPES[client_id]
    return tokens.issue_service_token(client_id, scope=scope, now=now or timezone.now())
