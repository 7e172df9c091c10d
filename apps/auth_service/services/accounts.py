"""What happens to an account. Every change and its event are one transaction."""

import contextlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.auth_service import selectors
from apps.auth_service.errors import (
    EmailTaken,
    NotAdmin,
    NotFound,
    OwnAccount,
    PasswordWrong,
    TokenInvalid,
)
from apps.auth_service.events import (
    RegistrationRequested,
    UserDeactivated,
    UserRegistered,
    UserRoleChanged,
    UserUpdated,
)
from apps.auth_service.models import RefreshFamily, Role, User
from apps.auth_service.services import families, links, mail
from chassis import audit, events
from chassis.ids import uuid7
from chassis.tokens import deny

log = structlog.get_logger()

# One statement, whether the address is new, waits to be confirmed, or is another's account. The
# address is replaced too: what the database compares as equal need not be one mailbox.
_REGISTER_UNCONFIRMED = """
INSERT INTO users (id, email, name, role, password, is_active, awaits_confirmation, created_at)
VALUES (%(id)s, %(email)s, %(name)s, %(role)s, %(password)s, TRUE, TRUE, %(now)s)
ON CONFLICT (lower(email)) DO UPDATE
SET email = EXCLUDED.email, name = EXCLUDED.name, password = EXCLUDED.password
WHERE users.awaits_confirmation AND users.is_active AND users.role = EXCLUDED.role
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What an admin changes of an account; None leaves it as it is."""

    role: Role | None = None
    is_active: bool | None = None


def register_user(
    *, email: str, name: str, password: str, role: Role = Role.CUSTOMER, now: datetime | None = None
) -> User:
    """Open an account and publish user.registered.

    The password is hashed before the transaction and not judged here. A role other than
    customer is given by an operator's command, which is audited.

    Raises:
        EmailTaken: an account has this address in any case; also when both were made at once.
    """
    user = User(email=email, name=name, role=role, created_at=now or timezone.now())
    user.set_password(password)
    try:
        with transaction.atomic(durable=True):
            user.save(force_insert=True)
            _publish_registered(user)
            if role != Role.CUSTOMER:
                _record("user.created", user, by=None, role=str(role))
    except IntegrityError as error:
        if _violated(error) == "users_email_unique":
            raise EmailTaken from None  # the cause quotes the address
        raise
    log.info("user_registered", user_id=str(user.id), role=str(role))
    return user


def request_registration(
    *, email: str, name: str, password: str, now: datetime | None = None
) -> None:
    """Open an account that waits for its address to be confirmed, and have a mail sent (ADR 0016).

    An account that waits takes the new name and password; a confirmed one stays as it is, and is
    told by mail. The work is the same in each case, so neither answer nor time tells which it was.
    """
    values: dict[str, Any] = {
        "id": uuid7(),
        "email": email,
        "name": name,
        "role": str(Role.CUSTOMER),
        "password": make_password(password),
        "now": now or timezone.now(),
    }
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(_REGISTER_UNCONFIRMED, values)
        events.publish(RegistrationRequested(email=email), subject=mail.subject_of(email))
    log.info("registration_requested")


def confirm_email(*, token: str, password: str, now: datetime | None = None) -> None:
    """Confirm an account's address by the token of a mail, and publish user.registered.

    The password is asked for: whoever reads the mail must be who registered last. A stranger may
    register the same address with a password of theirs, and have the mail sent.

    Raises:
        LinkInvalid: the token is used up, replaced by a newer registration, expired, or none.
        PasswordWrong: it is not the one that was given at registration.
    """
    now = now or timezone.now()
    user_id = links.user_id_of(token)
    user = links.check(token, User.objects.filter(pk=user_id).first(), "confirm", now=now)
    if not user.check_password(password):
        raise PasswordWrong("password")
    with transaction.atomic(durable=True):
        # Once more under the lock: the token signs the password that was just checked.
        confirm(links.check(token, families.lock_user(user_id), "confirm", now=now))


def check_confirmation(token: str, *, now: datetime | None = None) -> None:
    """Check that a token of a mail is good, and leave it so.

    Raises:
        LinkInvalid: it is used up, replaced, expired, or none.
    """
    user = User.objects.filter(pk=links.user_id_of(token)).first()
    links.check(token, user, "confirm", now=now or timezone.now())


def confirm(user: User) -> None:
    """Let a locked user log in, and publish user.registered if not done yet. Needs a transaction."""
    if user.awaits_confirmation:
        user.awaits_confirmation = False
        user.save(update_fields=["awaits_confirmation"])
        _publish_registered(user)


def rename_user(user_id: UUID, *, name: str) -> User:
    """Change a user's own name and publish user.updated. Idempotent.

    Raises:
        TokenInvalid: the account is gone or inactive since the token was issued.
    """
    with transaction.atomic(durable=True):
        user = families.lock_active(user_id)
        if user is None:
            raise TokenInvalid
        if user.name != name:
            user.name = name
            user.save(update_fields=["name"])
            updated = UserUpdated(user_id=user.id, email=user.email, name=user.name)
            events.publish(updated, subject=str(user.id))
    return user


def change_access(
    user_id: UUID, *, change: AccessChange, by: UUID, now: datetime | None = None
) -> User:
    """Change a user's role or activity on an admin's behalf. Idempotent.

    Both rows are locked and the admin is looked up, so of two admins who demote each other at once
    one stays: there is always an active admin left.

    Raises:
        NotFound: there is no such user.
        NotAdmin: the caller is no active admin any more.
        OwnAccount: the change is to the admin's own account.
    """
    with transaction.atomic(durable=True):
        users = families.lock_users(user_id, by)
        admin = users.get(by)
        if admin is None or not admin.is_active or admin.role != Role.ADMIN:
            raise NotAdmin
        user = users.get(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        if user_id == by and _differs(user, change):
            raise OwnAccount
        _apply(user, change, by=by, now=now)
    log.info("access_changed", user_id=str(user_id), by=str(by), role=str(user.role))
    return user


def ensure_user(
    *, email: str, name: str, role: Role, password: str | None, reset_password: bool = False
) -> tuple[User, bool]:
    """Make sure that an active user has this address and role; return the user and if it is new.

    For commands. Idempotent, also when run at once. A present account keeps its name; and its
    password too, unless `reset_password` says otherwise.

    Raises:
        ValueError: the account must be made and there is no password.
    """
    user = selectors.find_user_by_email(email)
    if user is None:
        if password is None:
            raise ValueError("a new account needs a password")
        with contextlib.suppress(EmailTaken):  # by another command in this moment
            return register_user(email=email, name=name, password=password, role=role), True
        user = User.objects.get_by_natural_key(email)
    with transaction.atomic(durable=True):
        user = families.lock_users(user.id)[user.id]
        is_raised = not user.may_log_in or user.role != role
        confirm(user)
        _apply(user, AccessChange(role=role, is_active=True), by=None)
        if reset_password and is_raised:  # also where the password is the same
            families.revoke(RefreshFamily.objects.filter(user=user), now=None)
        if reset_password and password is not None and not user.check_password(password):
            set_password(user, password)
            _record("user.password_set", user, by=None)
    return user, False


def set_password(user: User, password: str, *, now: datetime | None = None) -> None:
    """Change a locked user's password and end every log-in. Needs a transaction."""
    user.set_password(password)
    user.save(update_fields=["password"])
    families.revoke(RefreshFamily.objects.filter(user=user), now=now)


def _differs(user: User, change: AccessChange) -> bool:
    return (change.role is not None and change.role != user.role) or (
        change.is_active is not None and change.is_active != user.is_active
    )


def _apply(
    user: User, change: AccessChange, *, by: UUID | None, now: datetime | None = None
) -> None:
    """Change a locked user, and publish, deny and audit what changed. Needs a transaction.

    Log-ins lock the user too. So with a time taken after the lock, `not_before` is later than any
    token issued with the old rights. `by` is the admin, None for a command.
    """
    now = now or timezone.now()
    # A token may carry the next second, where one was given after another change in this one.
    not_before = deny.first_issuable(user.id, now=now)
    # Changes in quick succession would push it on and on, past what verifiers take for now.
    time.sleep(max(0.0, (not_before - now).total_seconds() - 1))
    if change.role is not None and change.role != user.role:
        _record("user.role_changed", user, by=by, before=str(user.role), after=str(change.role))
        user.role = change.role
        user.save(update_fields=["role"])
        changed = UserRoleChanged(user_id=user.id, role=str(change.role), not_before=not_before)
        events.publish(changed, subject=str(user.id))
        deny.deny(user.id, not_before=not_before)
    if change.is_active is not None and change.is_active != user.is_active:
        user.is_active = change.is_active
        user.save(update_fields=["is_active"])
        _record("user.activated" if user.is_active else "user.deactivated", user, by=by)
        if not user.is_active:
            families.revoke(RefreshFamily.objects.filter(user=user), now=now)
            deactivated = UserDeactivated(user_id=user.id, not_before=not_before)
            events.publish(deactivated, subject=str(user.id))
            deny.deny(user.id, not_before=not_before)


def _record(action: str, user: User, *, by: UUID | None, **details: str) -> None:
    audit.record(action, target_type="user", target_id=user.id, actor_id=by, **details)


def _publish_registered(user: User) -> None:
    registered = UserRegistered(user_id=user.id, email=user.email, name=user.name)
    events.publish(registered, subject=str(user.id))


def _violated(error: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a row."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
