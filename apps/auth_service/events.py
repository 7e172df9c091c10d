"""What the auth service tells the others about its users, and its own worker about mail to send."""

from dataclasses import dataclass
from uuid import UUID

from chassis.events import AwareDatetime, event


@event("user.registered", version=1, subject="user id", consumers=("order",))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered:
    """Someone has an account now; where to write to."""

    user_id: UUID
    email: str
    name: str


@event("user.updated", version=1, subject="user id", consumers=("order",))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated:
    """A user's name changed; where to write to now."""

    user_id: UUID
    email: str
    name: str


@event("user.role_changed", version=1, subject="user id", consumers=("catalog", "order"))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserRoleChanged:
    """A user's role changed: tokens issued at or before `not_before` carry the old one."""

    user_id: UUID
    role: str
    not_before: AwareDatetime


@event("user.deactivated", version=1, subject="user id", consumers=("catalog", "order"))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated:
    """An account was closed: tokens issued at or before `not_before` are no longer good for anything."""

    user_id: UUID
    not_before: AwareDatetime


@event(
    "user.password_reset_requested",
    version=1,
    subject="hash of the mailbox, one of 256",
    consumers=("auth",),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested:
    """Someone asked for a link to set a new password; there may be no such account (ADR 0016)."""

    email: str
    by_staff: bool = False


@event(
    "user.registration_requested",
    version=1,
    subject="hash of the mailbox, one of 256",
    consumers=("auth",),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRequested:
    """Someone registered with VERIFY_EMAIL; the account may be an older, confirmed one (ADR 0016)."""

    email: str
