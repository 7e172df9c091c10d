"""What use cases share of accounts and log-ins: the lock, a log-in's begin, and its end.

Each needs a transaction. Whoever gives or takes rights locks the user first, so that one waits for
the other; take the time of what is given after the lock.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.auth_service.errors import CredentialsInvalid
from apps.auth_service.models import RefreshFamily, User


def lock_users(*user_ids: UUID) -> dict[UUID, User]:
    """Return the users by id, locked in the order of their ids. Needs a transaction."""
    found = User.objects.select_for_update(no_key=True).filter(pk__in=user_ids).order_by("pk")
    return {user.id: user for user in found}


def lock_user(user_id: UUID) -> User | None:
    """Return the user, locked; None if there is none. Needs a transaction."""
    return lock_users(user_id).get(user_id)


def lock_active(user_id: UUID) -> User | None:
    """Return the user, locked, if not inactive. Needs a transaction."""
    user = lock_user(user_id)
    return user if user is not None and user.is_active else None


def lock_for_log_in(user_id: UUID) -> User | None:
    """Return the user, locked, if active and confirmed. Needs a transaction."""
    user = lock_user(user_id)
    return user if user is not None and user.may_log_in else None


def lock_checked(user: User) -> User:
    """Return the user whose password was just checked, locked. Needs a transaction.

    A change of password ends every log-in: also the one that is just about to begin.

    Raises:
        CredentialsInvalid: account or password changed since they were checked.
    """
    locked = lock_for_log_in(user.id)
    if locked is None or locked.password != user.password:
        raise CredentialsInvalid
    return locked


def begin(
    user: User, *, lifetime: timedelta, device: str, ip: str | None, now: datetime
) -> RefreshFamily:
    """Begin a log-in of a locked user. Needs a transaction."""
    return RefreshFamily.objects.create(
        user=user,
        created_at=now,
        last_used_at=now,
        expires_at=now + lifetime,
        device=device[:200],
        ip=ip,
    )


def note_use(family_id: UUID, *, ip: str | None, now: datetime) -> bool:
    """Note time and address, where it is known; return False if the log-in was ended meanwhile.

    Lock the user first: a change of password ends log-ins while it holds the lock.
    """
    used = {"last_used_at": now} if ip is None else {"last_used_at": now, "ip": ip}
    return bool(RefreshFamily.objects.filter(pk=family_id, revoked_at=None).update(**used))


def revoke(families: QuerySet[RefreshFamily], *, now: datetime | None) -> int:
    """End those of the log-ins that were not ended; return how many. Idempotent."""
    return families.filter(revoked_at=None).update(revoked_at=now or timezone.now())
