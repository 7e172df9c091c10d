"""Guesses at passwords: each is charged before the password is looked at (ADR 0015).

So attempts at once all count, and none is looked at beyond the limits. An account that does not
exist is counted like any other, and no counter holds an e-mail address.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import DateTimeField, F, Max, Value
from django.db.models.functions import NullIf
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.auth_service.domain import attempts as rules
from apps.auth_service.errors import TooManyAttempts
from apps.auth_service.models import Counter
from apps.auth_service.services import counters

_SALT: Final = "souk.auth.attempts"

# The account's name as the database compares it: another lower() would let one account have
# several counters. A log-in that was revoked counts too: its password was right.
_LOOK_UP = """
SELECT lower(%(email)s), EXISTS (
    SELECT 1 FROM refresh_family
    WHERE user_id = %(user_id)s AND ip <<= %(network)s::inet AND created_at > %(since)s
)
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is charged: the keys of its counters, and the end of the delay it began."""

    account: str
    pair: str
    address: str
    address_blocked_until: datetime | None


class _Blocked(Exception):
    """A counter takes no attempt now."""


def charge(*, email: str, user_id: UUID | None, ip: str | None, now: datetime) -> Attempt:
    """Count an attempt as failed, until `settle` tells otherwise. No transaction may be open.

    Args:
        email: the account as it was named, whether there is one or not.
        user_id: the account, None if there is none.
        ip: where the attempt comes from, None if that is not known.
        now: the time of the attempt.

    Raises:
        TooManyAttempts: there were too many; nothing is counted.
    """
    network = rules.network_of(ip)
    name, is_known = _look_up(email=email, user_id=user_id, network=network, now=now)
    account, address, pair = f"account:{name}", f"address:{network}", f"pair:{name}:{network}"
    limits = {address: rules.ADDRESS, pair: rules.PAIR}
    if not is_known:  # strangers cannot lock the owner out of the addresses the account knows
        limits[account] = rules.ACCOUNT
    try:
        with transaction.atomic(durable=True):
            blocks = {key: _charge_one(key, limits[key], now) for key in sorted(limits)}
    except _Blocked:
        raise TooManyAttempts(retry_after_seconds=_wait_seconds(limits, now)) from None
    return Attempt(
        account=account,
        pair=pair,
        address=address,
        address_blocked_until=blocks[address],
    )


def settle(attempt: Attempt) -> None:
    """Take back a charged attempt whose password was right. No transaction may be open.

    The account's counters begin anew. The address gets no more than its own charge back: else a
    right password of one account would pay for guesses at others.
    """
    returned: dict[str, Any] = {"count": F("count") - 1}
    if attempt.address_blocked_until is not None:
        own = Value(attempt.address_blocked_until, output_field=DateTimeField())
        returned["blocked_until"] = NullIf(F("blocked_until"), own)
    with transaction.atomic(durable=True):  # in the order of the keys, as they are charged
        Counter.objects.filter(pk=attempt.account).delete()
        Counter.objects.filter(pk=attempt.address, count__gt=0).update(**returned)
        Counter.objects.filter(pk=attempt.pair).delete()


def forgive(email: str) -> None:
    """Forget the failures of an account, from wherever they came. No transaction may be open."""
    name, _ = _look_up(email=email, user_id=None, network=None, now=timezone.now())
    with transaction.atomic(durable=True):  # in the order of the keys, as they are charged
        Counter.objects.filter(pk=f"account:{name}").delete()
        Counter.objects.filter(pk__startswith=f"pair:{name}:").delete()


def _look_up(
    *, email: str, user_id: UUID | None, network: str | None, now: datetime
) -> tuple[str, bool]:
    """Return the account's name in keys, and whether the account knows the address; one query."""
    since = now - rules.KNOWN_ADDRESS_LIFETIME
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK_UP, {"email": email, "user_id": user_id, "network": network, "since": since}
        )
        lower_email, is_known = cursor.fetchone()
    return salted_hmac(_SALT, lower_email, algorithm="sha256").hexdigest(), is_known


def _charge_one(key: str, limit: rules.Limit, now: datetime) -> datetime | None:
    """Count one failure and begin the delay that it costs; return the delay's end. Needs a transaction.

    Raises:
        _Blocked: the counter takes none now.
    """
    failures = counters.add(key, now=now, leak_seconds=limit.leak_seconds)
    if failures is None:
        raise _Blocked
    delay = limit.delay(failures)
    if not delay:
        return None
    counters.block(key, until=now + delay)
    return now + delay


def _wait_seconds(keys: Iterable[str], now: datetime) -> int:
    """Return after how many seconds no counter is blocked; at least one, whatever happened since."""
    found = Counter.objects.filter(pk__in=keys).aggregate(until=Max("blocked_until"))
    until: datetime = found["until"] or now
    return max(1, math.ceil((until - now).total_seconds()))
