"""Staff's log-in to the admin: one, from which each service's short tokens are made (ADR 0020)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.auth_service import selectors, tokens
from apps.auth_service.domain import sessions as rules
from apps.auth_service.errors import NotStaff, TokenInvalid
from apps.auth_service.models import RefreshFamily, User
from apps.auth_service.services import families
from chassis import audit

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pass:
    """A token for one service's admin, and the name of whom it is for."""

    token: str
    name: str


def open_session(
    user: User, *, device: str = "", ip: str | None = None, now: datetime | None = None
) -> RefreshFamily:
    """Start a log-in of a member of staff whose password was just checked.

    It is a family like every log-in, so whatever ends those ends it; it has no refresh token.
    Audited.

    Raises:
        CredentialsInvalid: account or password changed since they were checked.
        NotStaff: the account is a customer's.
    """
    with transaction.atomic(durable=True):
        locked = families.lock_checked(user)
        if not locked.is_staff:
            raise NotStaff
        now = now or timezone.now()
        family = families.begin(
            locked, lifetime=rules.STAFF_LIFETIME, device=device, ip=ip, now=now
        )
        _record("staff.logged_in", family.id, user_id=locked.id)
    log.info("staff_logged_in", user_id=str(user.id))
    return family


def issue_pass(family_id: UUID | None, *, service: str, now: datetime | None = None) -> Pass:
    """Return a token for one service's admin; there is none without a log-in.

    The user is locked as in every log-in: with a change of rights, this waits or is waited for.

    Raises:
        TokenInvalid: the log-in has ended.
        NotStaff: the account is no longer staff's.
    """
    if family_id is None:
        raise TokenInvalid
    shown_at = now or timezone.now()
    with transaction.atomic(durable=True):
        family = RefreshFamily.objects.filter(selectors.live(shown_at), pk=family_id).first()
        if family is None:
            raise TokenInvalid
        user = families.lock_for_log_in(family.user_id)
        now = now or timezone.now()
        if user is None or not families.note_use(family_id, ip=None, now=now):
            raise TokenInvalid
        if not user.is_staff:
            raise NotStaff
        return Pass(token=tokens.issue_admin_token(user, service=service, now=now), name=user.name)


def close_session(family_id: UUID, *, now: datetime | None = None) -> None:
    """End a log-in. Idempotent. Tokens that are out live on until they end, in minutes. Audited."""
    found = RefreshFamily.objects.filter(pk=family_id)
    with transaction.atomic(durable=True):
        if families.revoke(found, now=now):
            _record("staff.logged_out", family_id, user_id=found.get().user_id)


def _record(action: str, family_id: UUID, *, user_id: UUID) -> None:
    audit.record(action, target_type="session", target_id=family_id, actor_id=user_id)
