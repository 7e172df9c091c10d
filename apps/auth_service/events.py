"""What the auth service tells the others about its users.

`user.role_changed` and `user.deactivated` have no consumers yet: a service is named here from the
release on in which it handles them. They are kept in the outbox for the consumers to come.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.events import event


@event("user.registered", version=1, consumers=("order",))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered:
    """Someone has an account now; where to write to."""

    user_id: UUID
    email: str
    name: str


@event("user.updated", version=1, consumers=("order",))
@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated:
    """A user's name changed; where to write to now."""

    user_id: UUID
    email: str
    name: str


@event("user.role_changed", version=1, consumers=())
@dataclass(frozen=True, slots=True, kw_only=True)
class UserRoleChanged:
    """Tokens issued at or before `not_before` carry a role that the user no longer has."""

    user_id: UUID
    role: str
    not_before: datetime


@event("user.deactivated", version=1, consumers=())
@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated:
    """Tokens issued at or before `not_before` are no longer good for anything."""

    user_id: UUID
    not_before: datetime
