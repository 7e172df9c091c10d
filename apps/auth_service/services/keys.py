"""Changing the signing keys: a rotation that nobody notices, and the answer to a theft (ADR 0017)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from apps.auth_service import conf, keys, selectors
from apps.auth_service.errors import LeadOutOfRange, RotationUnderWay
from apps.auth_service.models import SigningKey
from chassis import audit
from chassis.tokens.access import AccessToken, ServiceAccessToken
from chassis.tokens.claims import LEEWAY_SECONDS

LONGEST_LEAD_SECONDS: Final = 30 * 86_400
VERIFIES_AFTER_SIGNING: Final = (
    max(AccessToken.lifetime, ServiceAccessToken.lifetime)
    + timedelta(seconds=LEEWAY_SECONDS)
    + timedelta(seconds=60)  # for a process that was held up between reading its key and signing
)
"""How long a key is published after its successor signs: until the last token it signed has ended."""

_KEPT_AFTER_RETIREMENT: Final = timedelta(days=1)
_SPARE_SECONDS: Final = 10


def least_lead_seconds() -> int:
    """Return how soon a new key may sign, so that every verifier has it by then.

    A service asks every KEY_REFRESH_SECONDS, of its own environment: auth's must be the largest. The
    second time is for a verifier outside of Souk that is given a cached answer, and for one of ours
    that gets none at the first try.
    """
    return 2 * conf.key_refresh_seconds()


def rotate(*, by: UUID | None, lead_seconds: int | None = None) -> SigningKey:
    """Publish a new key that signs after a lead, and set when the ones before it retire.

    No token is refused on the way: verifiers have the new key before it signs, and the old ones
    are published until their last token has ended (VERIFIES_AFTER_SIGNING). Audited.

    Args:
        by: the admin who asks, None for a command.
        lead_seconds: until the new key signs; the least lead and some seconds to spare by default.

    Raises:
        LeadOutOfRange: some verifiers would not have the key by then, or it is over 30 days.
        RotationUnderWay: the key of the last rotation does not sign yet.
    """
    lead = _checked_lead(lead_seconds)
    with transaction.atomic(durable=True):
        keys.lock_keys()
        _refuse_second_rotation()
        keys.ensure_signing_key()  # the one that signs until then
        key = keys.make_key(activates_in=lead)
        SigningKey.objects.filter(retired_at=None).exclude(pk=key.pk).update(
            retired_at=key.activates_at + VERIFIES_AFTER_SIGNING
        )
        audit.record(
            "signing_key.rotated",
            target_type="signing_key",
            target_id=key.kid,
            actor_id=by,
            activates_at=key.activates_at.isoformat(),
        )
    return key


def replace(*, by: UUID | None) -> SigningKey:
    """Replace stolen keys: a new key signs at once, and all others are out at once. Audited.

    Each service refuses what the old keys signed from its next refresh on, within its
    KEY_REFRESH_SECONDS where it can reach auth. Until then it refuses tokens of the new key: users'
    clients refresh, services ask for a new token, both without a new log-in.

    A key that did not sign yet is deleted: no token needs it. `by` as for `rotate`.
    """
    with transaction.atomic(durable=True):
        keys.lock_keys()
        out = list(selectors.published_keys().values_list("kid", flat=True))
        SigningKey.objects.filter(kid__in=out, activates_at__gte=Now()).delete()
        SigningKey.objects.filter(kid__in=out).update(retired_at=Now())
        key = keys.make_key()
        audit.record(
            "signing_key.replaced",
            target_type="signing_key",
            target_id=key.kid,
            actor_id=by,
            retired=out,
        )
    return key


def delete_retired(*, now: datetime) -> int:
    """Delete keys that retired over a day ago, private halves and all; return how many. Idempotent."""
    deleted, _ = SigningKey.objects.filter(retired_at__lt=now - _KEPT_AFTER_RETIREMENT).delete()
    return deleted


def _checked_lead(lead_seconds: int | None) -> timedelta:
    least = least_lead_seconds()
    lead = least + _SPARE_SECONDS if lead_seconds is None else lead_seconds
    if not least <= lead <= LONGEST_LEAD_SECONDS:
        raise LeadOutOfRange(
            f"A new key signs after {least} to {LONGEST_LEAD_SECONDS} seconds, not after {lead}."
        )
    return timedelta(seconds=lead)


def _refuse_second_rotation() -> None:
    coming = selectors.coming_key()
    if coming is not None:
        raise RotationUnderWay(
            f"The key {coming.kid} signs from {coming.activates_at:%Y-%m-%d %H:%M:%S} UTC on; "
            "rotate again after that."
        )
