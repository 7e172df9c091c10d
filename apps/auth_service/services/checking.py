"""What may be wrong with the accounts as a whole, and with the keys. Reads only; for `check_users`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.hashers import get_hasher, identify_hasher, is_password_usable
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from apps.auth_service import conf, keys, selectors
from apps.auth_service.models import RefreshFamily, Role, User
from chassis.models import AggregateSequence, AuditEntry, OutboxEvent

MOST_IDS: Final = 20
"""A finding names this many accounts at most; its count tells of how many it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a problem to mend, or a note worth knowing."""

    code: str
    is_problem: bool
    count: int
    detail: str
    user_ids: tuple[UUID, ...] = ()


def check_users(*, now: datetime, unconfirmed_days: int) -> list[Finding]:
    """Return what is found, problems first.

    `unconfirmed_days`: how long an account may wait for its confirmation without a note.
    """
    return [
        *_admins(),
        *_log_ins_of_inactive(now),
        *_untold_deactivations(now),
        *_keys(),
        *_passwords(),
        *_unconfirmed(now - timedelta(days=unconfirmed_days), days=unconfirmed_days),
    ]


def _admins() -> Iterator[Finding]:
    admins = User.objects.filter(role=Role.ADMIN, is_active=True, awaits_confirmation=False)
    if not admins.exists():
        detail = "No active admin: nobody can change accounts. Make one with create_admin."
        yield Finding("no-active-admin", is_problem=True, count=0, detail=detail)


def _log_ins_of_inactive(now: datetime) -> Iterator[Finding]:
    live = RefreshFamily.objects.filter(selectors.live(now), user__is_active=False)
    count = live.count()
    if count:
        owners = live.order_by("user_id").values_list("user_id", flat=True).distinct()
        yield Finding(
            "inactive-log-ins",
            is_problem=True,
            count=count,
            detail=f"Log-ins of inactive accounts that did not end: {count}. "
            "Activate and deactivate the accounts to end them.",
            user_ids=tuple(owners[:MOST_IDS]),
        )


def _untold_deactivations(now: datetime) -> Iterator[Finding]:
    untold = _untold(since=now - timedelta(days=conf.outbox_retention_days()))
    count = untold.count()
    if count:
        yield Finding(
            "deactivation-untold",
            is_problem=True,
            count=count,
            detail=f"Inactive accounts of which the other services were not told: {count}. "
            "Activate and deactivate the accounts to tell them.",
            user_ids=_ids(untold),
        )


def _untold(*, since: datetime) -> QuerySet[User]:
    """Return inactive accounts without user.deactivated in the outbox, where it must be.

    Events older than `since` may be pruned. So the event is missed where the audit log has the
    deactivation later than that; or where it has none, and either the account is younger or the
    account's events were never numbered past the first, user.registered.
    """
    subject = OuterRef("subject")
    told = OutboxEvent.objects.filter(type="user.deactivated", subject=subject)
    audited = AuditEntry.objects.filter(
        action="user.deactivated", target_type="user", target_id=subject
    )
    later_events = AggregateSequence.objects.filter(subject=subject, last__gt=1)
    by_hand = ~Exists(audited) & (Q(created_at__gte=since) | ~Exists(later_events))
    inactive = User.objects.filter(is_active=False).alias(subject=Cast("pk", TextField()))
    return inactive.filter(~Exists(told)).filter(Exists(audited.filter(at__gte=since)) | by_hand)


def _keys() -> Iterator[Finding]:
    active = selectors.active_key()
    if active is None:
        detail = (
            "No key signs. The next token makes one that no service knows yet: "
            "make it now, with ensure_signing_key."
        )
        yield Finding("no-signing-key", is_problem=True, count=0, detail=detail)
    # One that signed before is never decrypted again.
    signing = [key for key in (active, selectors.coming_key()) if key is not None]
    unreadable = [key.kid for key in signing if not keys.is_readable(key)]
    if unreadable:
        yield Finding(
            "signing-key-unreadable",
            is_problem=True,
            count=len(unreadable),
            detail=f"Keys that should sign and are not decrypted by ENCRYPTION_KEYS: "
            f"{', '.join(unreadable)}. Put back the key that encrypted them, or make a new one "
            "with rotate_signing_key --emergency.",
        )


def _passwords() -> Iterator[Finding]:
    hashes = User.objects.values_list("password", flat=True).iterator(chunk_size=2000)
    unusable, outdated = _count_hashes(hashes)
    if unusable:
        detail = f"Accounts that no password opens: {unusable}. A reset by mail gives them one."
        yield Finding("password-unusable", is_problem=False, count=unusable, detail=detail)
    if outdated:
        detail = f"Passwords hashed by older rules: {outdated}. Each is hashed anew at its log-in."
        yield Finding("password-outdated", is_problem=False, count=outdated, detail=detail)


def _count_hashes(hashes: Iterable[str]) -> tuple[int, int]:
    """Return how many hashes no password matches, and how many are not as the present rules have it."""
    unusable = outdated = 0
    preferred = get_hasher()
    for encoded in hashes:
        try:
            hasher = identify_hasher(encoded) if is_password_usable(encoded) else None
        except ValueError:
            hasher = None
        if hasher is None:
            unusable += 1
        elif hasher.algorithm != preferred.algorithm or preferred.must_update(encoded):
            outdated += 1
    return unusable, outdated


def _unconfirmed(before: datetime, *, days: int) -> Iterator[Finding]:
    waiting = User.objects.filter(awaits_confirmation=True, created_at__lt=before)
    count = waiting.count()
    if count:
        detail = f"Accounts that wait for their confirmation for over {days} days: {count}."
        yield Finding(
            "unconfirmed", is_problem=False, count=count, detail=detail, user_ids=_ids(waiting)
        )


def _ids(users: QuerySet[User]) -> tuple[UUID, ...]:
    return tuple(users.order_by("pk").values_list("pk", flat=True)[:MOST_IDS])
