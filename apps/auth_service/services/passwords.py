"""New passwords: by the old one, or by the link of a mail. Each ends every log-in."""

from datetime import datetime
from uuid import UUID

import structlog
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.auth_service import selectors
from apps.auth_service.errors import (
    CredentialsInvalid,
    NotAdmin,
    NotFound,
    PasswordUnfit,
    PasswordWrong,
    TokenInvalid,
)
from apps.auth_service.events import PasswordResetRequested
from apps.auth_service.models import User
from apps.auth_service.services import accounts, attempts, families, links, mail, sessions
from chassis import audit, events

log = structlog.get_logger()


def change_password(
    user_id: UUID,
    *,
    current_password: str,
    new_password: str,
    ip: str | None = None,
    now: datetime | None = None,
) -> None:
    """Change a user's own password and end every log-in, the one that asks among them.

    A wrong current password counts like a failed log-in: a stolen token is no way to guess it.

    Raises:
        TokenInvalid: the account is gone or inactive since the token was issued.
        PasswordUnfit: the new password will not do.
        PasswordWrong: the current one is wrong.
        TooManyAttempts: there were too many wrong ones; the password was not looked at.
    """
    user = selectors.get_own_user(user_id)
    _judge(new_password, user)
    try:
        checked = sessions.check_credentials(
            email=user.email, password=current_password, ip=ip, now=now
        )
    except CredentialsInvalid:
        raise PasswordWrong("current_password") from None
    with transaction.atomic(durable=True):
        locked = families.lock_active(user_id)
        if locked is None:
            raise TokenInvalid
        if locked.password != checked.password:  # changed by another request meanwhile
            raise PasswordWrong("current_password")
        accounts.set_password(locked, new_password, now=now)
    log.info("password_changed", user_id=str(user_id))


def request_reset(email: str) -> None:
    """Have a link sent to the account of an address, if there is one: the worker finds out."""
    with transaction.atomic(durable=True):
        _publish_reset(email, by_staff=False)
    log.info("password_reset_requested")


def send_reset(user_id: UUID, *, by: UUID) -> None:
    """Have a link sent to a user on behalf of staff, however many were. Audited.

    Raises:
        NotFound: there is no such active user.
        NotAdmin: one of staff may not do this to that account.
    """
    with transaction.atomic(durable=True):
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotFound("There is no such active user.")
        if not selectors.may_look_after(user_id, by=by):
            raise NotAdmin
        _publish_reset(user.email, by_staff=True)
        audit.record("user.reset_sent", target_type="user", target_id=user_id, actor_id=by)


def check_reset(token: str, *, now: datetime | None = None) -> None:
    """Check that a token of a mail is good, and leave it so.

    Raises:
        LinkInvalid: it is used up, expired, or none.
    """
    user = User.objects.filter(pk=links.user_id_of(token)).first()
    links.check(token, user, "reset", now=now or timezone.now())


def confirm_reset(*, token: str, password: str, now: datetime | None = None) -> None:
    """Set a new password by the token of a mail, which confirms the address too.

    Ends every log-in, and the delays that strangers' guesses began so far.
    The token is used up by it.

    Raises:
        LinkInvalid: the token is used up, expired, or none.
        PasswordUnfit: the new password will not do; the token stays good.
    """
    now = now or timezone.now()
    user_id = links.user_id_of(token)
    user = User.objects.filter(pk=user_id).first()
    _judge(password, links.check(token, user, "reset", now=now))
    with transaction.atomic(durable=True):
        # Once more under the lock: of two uses at once the second finds another password.
        locked = links.check(token, families.lock_user(user_id), "reset", now=now)
        accounts.set_password(locked, password, now=now)
        accounts.confirm(locked)
    attempts.forgive(locked.email)
    log.info("password_reset", user_id=str(user_id))


def _publish_reset(email: str, *, by_staff: bool) -> None:
    requested = PasswordResetRequested(email=email, by_staff=by_staff)
    events.publish(requested, subject=mail.subject_of(email))


def _judge(password: str, user: User) -> None:
    """Raise PasswordUnfit if one of AUTH_PASSWORD_VALIDATORS refuses the new password."""
    try:
        password_validation.validate_password(password, user=user)
    except ValidationError as error:
        raise PasswordUnfit(
            errors=[
                {
                    "pointer": "#/new_password",
                    "detail": " ".join(reason.messages),
                    "code": reason.code or "invalid",
                }
                for reason in error.error_list
            ]
        ) from error
