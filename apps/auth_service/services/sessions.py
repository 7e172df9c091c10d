"""Log-ins: a family of refresh tokens, of which one is unspent at any time (ADR 0010)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import structlog
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client import Counter

from apps.auth_service import selectors, tokens
from apps.auth_service.domain import sessions as rules
from apps.auth_service.domain.attempts import KNOWN_ADDRESS_LIFETIME
from apps.auth_service.errors import (
    CredentialsInvalid,
    NotAdmin,
    NotFound,
    TokenInvalid,
    TooManyAttempts,
)
from apps.auth_service.models import RefreshFamily, RefreshToken, User
from apps.auth_service.services import attempts, families
from chassis import audit

_TOKEN_BYTES: Final = 32
_KEPT_AFTER_END: Final = timedelta(days=1)
_KEPT_AFTER_BEGIN: Final = KNOWN_ADDRESS_LIFETIME  # its address is known by it

_LOG_INS: Final = Counter(
    "souk_log_ins",
    "Passwords shown: granted, refused, or not looked at after too many wrong ones.",
    ["outcome"],
)

log = structlog.get_logger()

# The one place where a refresh token is spent: whoever gets the row back has won.
_CONSUME = """
UPDATE refresh_token
SET consumed_at = %(now)s
FROM refresh_family
WHERE refresh_token.token_hash = %(token_hash)s
  AND refresh_token.consumed_at IS NULL
  AND refresh_token.expires_at > %(now)s
  AND refresh_family.id = refresh_token.family_id
  AND refresh_family.revoked_at IS NULL
RETURNING refresh_family.id, refresh_family.user_id, refresh_family.expires_at
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client gets at log-in and at each refresh."""

    access: str
    refresh: str
    expires_in: int


def check_credentials(
    *, email: str, password: str, ip: str | None, now: datetime | None = None
) -> User:
    """Return the active user whose password this is. No transaction may be open.

    The attempt is counted first. Then one password is hashed whoever is named, with the same
    queries, so the time taken does not tell who exists (ADR 0016).

    Raises:
        CredentialsInvalid: the account is unknown, inactive or not confirmed, or the password is
            wrong.
        TooManyAttempts: there were too many wrong ones; the password was not looked at.
    """
    user = selectors.find_user_by_email(email)
    user_id = None if user is None else user.id
    try:
        attempt = attempts.charge(email=email, user_id=user_id, ip=ip, now=now or timezone.now())
    except TooManyAttempts:
        _LOG_INS.labels("too many").inc()
        raise
    if user is None:
        make_password(password)
        is_right = False
    else:
        is_right = user.check_password(password)
    if user is None or not (is_right and user.may_log_in):
        _LOG_INS.labels("refused").inc()
        log.info("log_in_refused", user_id=str(user_id) if user_id else None)
        raise CredentialsInvalid
    attempts.settle(attempt)
    _LOG_INS.labels("granted").inc()
    return user


def log_in(
    *,
    email: str,
    password: str,
    device: str = "",
    ip: str | None = None,
    now: datetime | None = None,
) -> Grant:
    """Start a log-in.

    Raises:
        CredentialsInvalid, TooManyAttempts: as of `check_credentials`.
    """
    user = check_credentials(email=email, password=password, ip=ip, now=now)
    with transaction.atomic(durable=True):
        active = families.lock_checked(user)
        now = now or timezone.now()
        family = families.begin(
            active, lifetime=rules.FAMILY_LIFETIME, device=device, ip=ip, now=now
        )
        return _grant(active, family_id=family.id, family_expires_at=family.expires_at, now=now)


def refresh(refresh_token: str, *, ip: str | None = None, now: datetime | None = None) -> Grant:
    """Spend a refresh token for a new one and an access token. Of uses at once exactly one wins.

    Its log-in remembers the time, and the address where that is known.

    Raises:
        TokenInvalid: it is unknown, expired, revoked or spent. One spent more than REUSE_GRACE ago
            revokes its whole family (RFC 9700 section 4.14.2).
    """
    shown_at = now or timezone.now()
    token_hash = _hash(refresh_token)
    with transaction.atomic(durable=True):
        consumed = _consume(token_hash, shown_at)
        if consumed is not None:
            family_id, user_id, family_expires_at = consumed
            user = families.lock_for_log_in(user_id)
            if user is None:
                raise TokenInvalid
            now = now or timezone.now()
            if not families.note_use(family_id, ip=ip, now=now):
                raise TokenInvalid
            return _grant(user, family_id=family_id, family_expires_at=family_expires_at, now=now)
        revoked = _revoke_betrayed_family(token_hash, shown_at)
    if revoked:
        log.warning("refresh_token_reused", families=revoked)
    raise TokenInvalid


def revoke(refresh_token: str, *, now: datetime | None = None) -> None:
    """End the log-in that a refresh token is of. Idempotent; an unknown token is none (RFC 7009)."""
    with transaction.atomic(durable=True):
        found = RefreshFamily.objects.filter(tokens__token_hash=_hash(refresh_token))
        families.revoke(found, now=now)


def revoke_all(user_id: UUID, *, by: UUID | None = None, now: datetime | None = None) -> int:
    """End all log-ins of a user; return how many there were. Idempotent.

    `by` is the member of staff who ends them, which is audited; None where the user does.

    Raises:
        NotAdmin: one of staff may not do this to that account.
    """
    if by is not None and not selectors.may_look_after(user_id, by=by):
        raise NotAdmin
    with transaction.atomic(durable=True):
        # The lock keeps a log-in under way from slipping through.
        families.lock_user(user_id)
        revoked = families.revoke(RefreshFamily.objects.filter(user_id=user_id), now=now)
        if by is not None:
            audit.record(
                "user.sessions_ended",
                target_type="user",
                target_id=user_id,
                actor_id=by,
                sessions=revoked,
            )
        return revoked


def end_session(
    family_id: UUID, *, user_id: UUID | None, by: UUID | None, now: datetime | None = None
) -> None:
    """End one log-in. Access tokens that are out live on until they end.

    Args:
        family_id: the log-in.
        user_id: whose it must be, None where it may be anyone's.
        by: the member of staff who ends it, which is audited; None where its own user does.
        now: the time.

    Raises:
        NotFound: there is no such log-in, it is another's, or it has ended.
        NotAdmin: one of staff may not do this to that account.
    """
    now = now or timezone.now()
    with transaction.atomic(durable=True):
        found = RefreshFamily.objects.filter(selectors.live(now), pk=family_id)
        if user_id is not None:
            found = found.filter(user_id=user_id)
        owner = found.values_list("user_id", flat=True).first()
        if owner is not None and by is not None and not selectors.may_look_after(owner, by=by):
            raise NotAdmin
        if not families.revoke(found, now=now):
            raise NotFound("There is no such session.")
        if by is not None:
            audit.record("session.ended", target_type="session", target_id=family_id, actor_id=by)


def delete_ended(*, now: datetime) -> int:
    """Delete log-ins whose time is over, with their tokens; return how many. Idempotent.

    Each is kept until a day after it would have ended by itself, and for as long as its account
    knows an address by it (ADR 0015).
    """
    ended = RefreshFamily.objects.filter(
        expires_at__lt=now - _KEPT_AFTER_END, created_at__lte=now - _KEPT_AFTER_BEGIN
    )
    with transaction.atomic(durable=True):
        _, deleted = ended.delete()
    return deleted.get("accounts.RefreshFamily", 0)


def _grant(user: User, *, family_id: UUID, family_expires_at: datetime, now: datetime) -> Grant:
    refresh_token = secrets.token_urlsafe(_TOKEN_BYTES)
    RefreshToken.objects.create(
        token_hash=_hash(refresh_token),
        family_id=family_id,
        issued_at=now,
        expires_at=rules.refresh_expiry(now=now, family_expires_at=family_expires_at),
    )
    return Grant(
        access=tokens.issue_access_token(user, now=now),
        refresh=refresh_token,
        expires_in=tokens.ACCESS_SECONDS,
    )


def _consume(token_hash: str, now: datetime) -> tuple[UUID, UUID, datetime] | None:
    with connection.cursor() as cursor:
        cursor.execute(_CONSUME, {"token_hash": token_hash, "now": now})
        row: tuple[UUID, UUID, datetime] | None = cursor.fetchone()
    return row


def _revoke_betrayed_family(token_hash: str, now: datetime) -> int:
    betrayed = RefreshFamily.objects.filter(
        tokens__token_hash=token_hash, tokens__consumed_at__lt=rules.reuse_threshold(now)
    )
    return families.revoke(betrayed, now=now)


def _hash(refresh_token: str) -> str:
    return sha256(refresh_token.encode()).hexdigest()
