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
    """Return how many log-ins of one address may succeed in a minute."""
    return int(settings.LOGINS_PER_MINUTE)


def registrations_per_minute() -> int:
    """Return how many registrations one address may try in a minute."""
    return int(settings.REGISTRATIONS_PER_MINUTE)


def verifies_email() -> bool:
    """Tell whether an account must confirm its address before its first log-in."""
    return bool(settings.VERIFY_EMAIL)


def password_reset_url() -> str:
    """Return the link of a password reset with {token} in it; empty for a page of ours."""
    return str(settings.PASSWORD_RESET_URL)


def confirm_email_url() -> str:
    """Return the link that confirms an address with {token} in it; empty for a page of ours."""
    return str(settings.CONFIRM_EMAIL_URL)


def key_refresh_seconds() -> int:
    """Return how often verifiers fetch the keys, and how long an answer with keys may be cached."""
    return int(settings.KEY_REFRESH_SECONDS)


def outbox_retention_days() -> int:
    """Return how long a published event is kept at least."""
    return int(settings.OUTBOX_RETENTION_DAYS)
