"""Letting the other services in."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.utils import timezone

from apps.auth_service import conf, tokens
from apps.auth_service.errors import ClientInvalid
from apps.auth_service.models import ServiceClient

_SHOWN_DIGITS: Final = 8


def verify_client(client_id: str, secret: str) -> str:
    """Check a service's credentials; every secret is compared, in constant time.

    Returns:
        The first digits of the secret's hash: they tell which of two secrets it is, and no more.

    Raises:
        ClientInvalid: the client is unknown or the secret is wrong.
    """
    shown = sha256(secret.encode()).hexdigest()
    # An unknown client is compared with what it sent, and refused by `known`.
    known = conf.client_secret_hashes(client_id)
    matches = [hmac.compare_digest(shown, expected) for expected in known or (shown,)]
    if not (known and any(matches)):
        raise ClientInvalid
    return shown[:_SHOWN_DIGITS]


def issue_service_token(client_id: str, *, secret: str, now: datetime | None = None) -> str:
    """Return a token with the scopes of a verified client.

    When, and with which secret (as `verify_client` names it), is noted: an operator who rotates
    secrets sees that the old one is no longer in use.
    """
    now = now or timezone.now()
    scope = conf.CLIENT_SCOPES[client_id]
    token = tokens.issue_service_token(client_id, scope=scope, now=now)
    ServiceClient.objects.bulk_create(
        [ServiceClient(client_id=client_id, last_token_at=now, last_secret=secret)],
        update_conflicts=True,
        unique_fields=["client_id"],
        update_fields=["last_token_at", "last_secret"],
    )
    return token
