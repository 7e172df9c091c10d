"""Tokens of the links in mails: nothing is stored, and what they are for ends them (ADR 0016)."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from apps.auth_service import conf
from apps.auth_service.errors import LinkInvalid
from apps.auth_service.models import User

Purpose = Literal["reset", "confirm"]

_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([a-z0-9-]{1,100})", re.ASCII)


class _Generator(PasswordResetTokenGenerator):
    """Signs the role beside Django's id, e-mail, password hash and time: whatever changes ends a link."""

    def __init__(self, purpose: Purpose, *, now: datetime) -> None:
        super().__init__()
        self._purpose = purpose
        self.key_salt = f"souk.auth.links.{purpose}"
        self._time = now

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        if self._purpose == "reset" and user.awaits_confirmation:
            # Strangers who register the address again must not end its owner's way in. The reset
            # confirms the address, and so uses the link up.
            return f"{user.pk}|{timestamp}|{user.role}|awaits confirmation"
        return f"{super()._make_hash_value(user, timestamp)}|{user.role}"

    def _now(self) -> datetime:
        return self._time.astimezone(UTC).replace(tzinfo=None)


def make_token(user: User, purpose: Purpose, *, now: datetime) -> str:
    """Return a token for one user and purpose, good once and for PASSWORD_RESET_TIMEOUT seconds."""
    user_part = urlsafe_b64encode(user.id.bytes).rstrip(b"=").decode()
    return f"{user_part}.{_Generator(purpose, now=now).make_token(user)}"


def user_id_of(token: str) -> UUID:
    """Return whose the token says it is; `check` tells whether it is true.

    Raises:
        LinkInvalid: it is no token of a link.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise LinkInvalid
    try:
        return UUID(bytes=urlsafe_b64decode(f"{match[1]}=="))
    except (binascii.Error, ValueError) as error:
        raise LinkInvalid from error


def check(token: str, user: User | None, purpose: Purpose, *, now: datetime) -> User:
    """Return the active user of a token that is good for this purpose.

    Lock the user first where the link is to be used up.

    Raises:
        LinkInvalid: it is another's or another purpose's, used up, expired, or none at all.
    """
    _, _, signed = token.partition(".")
    if user is None or not user.is_active:
        raise LinkInvalid
    if purpose == "confirm" and not user.awaits_confirmation:
        raise LinkInvalid
    if not _Generator(purpose, now=now).check_token(user, signed):
        raise LinkInvalid
    return user


def url_of(token: str, purpose: Purpose) -> str:
    """Return the link that a mail carries: a page of the shop's if one is set, else one of ours."""
    if purpose == "reset":
        template = conf.password_reset_url()
        own_page = "password/reset"
    else:
        template = conf.confirm_email_url()
        own_page = "email/confirm"
    template = template or f"{settings.PUBLIC_URL}/admin/auth/{own_page}?token={{token}}"
    return template.replace("{token}", quote(token, safe=""))
