"""Reads."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.auth_service.errors import NotFound, TokenInvalid
from apps.auth_service.models import RefreshFamily, RefreshToken, Role, SigningKey, User


def find_user_by_email(email: str) -> User | None:
    """Return the user of an e-mail address in any case, active or not; None if there is none."""
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        return None


def get_user(user_id: UUID) -> User:
    """Return a user, active or not.

    Raises:
        NotFound: there is none.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def get_own_user(user_id: UUID) -> User:
    """Return the user that a verified token speaks for.

    Raises:
        TokenInvalid: the account is gone or inactive since the token was issued.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise TokenInvalid
    return user


def may_look_after(user_id: UUID, *, by: UUID) -> bool:
    """Tell whether one of staff may act on an account: on a customer's and their own; an admin on any.

    Otherwise one of staff could keep every admin out.
    """
    if user_id == by:
        return True
    either = User.objects.filter(Q(pk=user_id) | Q(pk=by, is_active=True))
    roles = dict(either.values_list("pk", "role"))
    return roles.get(user_id, Role.CUSTOMER) == Role.CUSTOMER or roles.get(by) == Role.ADMIN


def list_users(*, role: str | None = None, is_active: bool | None = None) -> QuerySet[User]:
    """Return all users, or those of a role or activity, in no order."""
    found = User.objects.all()
    if role is not None:
        found = found.filter(role=role)
    if is_active is not None:
        found = found.filter(is_active=is_active)
    return found


def live(now: datetime) -> Q:
    """Return the condition of log-ins that still give tokens.

    That is one with a refresh token to spend, or one of staff in the admin, which has none at all.
    """
    own = RefreshToken.objects.filter(family=OuterRef("pk"))
    spendable = own.filter(consumed_at=None, expires_at__gt=now)
    return Q(Exists(spendable) | ~Exists(own), revoked_at=None, expires_at__gt=now)


def live_sessions(user_id: UUID, *, now: datetime) -> QuerySet[RefreshFamily]:
    """Return a user's log-ins that still give tokens, in no order."""
    return RefreshFamily.objects.filter(live(now), user_id=user_id)


def is_live_session(session_id: UUID | None, *, now: datetime) -> bool:
    """Tell whether there is such a log-in and it has not ended."""
    if session_id is None:
        return False
    return RefreshFamily.objects.filter(live(now), pk=session_id).exists()


def published_keys() -> QuerySet[SigningKey]:
    """Return the keys that tokens may be verified with, newest first; those not yet active too.

    Times are the database's, so that clocks of two processes cannot disagree about a key.
    """
    unretired = Q(retired_at=None) | Q(retired_at__gt=Now())
    return SigningKey.objects.filter(unretired).order_by("-activates_at", "-kid")


def active_key() -> SigningKey | None:
    """Return the key that signs: the newest active one; None if there is none."""
    return published_keys().filter(activates_at__lte=Now()).first()


def coming_key() -> SigningKey | None:
    """Return the key that is published and does not sign yet; None if there is none."""
    return published_keys().filter(activates_at__gt=Now()).first()
