"""Typed view of this service's settings."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.conf import settings

CLIENT_SCOPES: Final[Mapping[str, str]] = {
    "catalog": "events:read",
    "order": "stock:reserve events:read",
}
"""What each service may do at the others: scopes, parted by spaces (RFC 6749 section 3.3)."""


def client_secret_hashes(client_id: str) -> Sequence[str]:
    """Return the SHA-256 of each secret that a client may show: two in a rotation, none if unknown."""
    hashes: Mapping[str, Sequence[str]] = settings.CLIENT_SECRET_HASHES
    return hashes.get(client_id, ())


def demo_password() -> str | None:
    """Return the password of the demo users, None where there shall be none."""
    password: str | None = settings.DEMO_PASSWORD
    return password


def admin_password() -> str | None:
    """Return the password for `create_admin`, None where it is asked for."""
    password: str | None = settings.ADMIN_PASSWORD
    return password


def logins_per_minute() -> int:
    """Return how many log-ins one address may try in a minute."""
    return int(settings.LOGINS_PER_MINUTE)


def registrations_per_minute() -> int:
    """Return how many registrations one address may try in a minute."""
    return int(settings.REGISTRATIONS_PER_MINUTE)
