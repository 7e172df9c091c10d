"""What is deleted of the auth service's tables when its time is over."""

from datetime import datetime

from apps.auth_service.services import counters, keys, sessions
from chassis import retention


@retention.rule("log_ins")
def delete_ended_log_ins(now: datetime) -> int:
    """Delete log-ins that are over."""
    return sessions.delete_ended(now=now)


@retention.rule("counters")
def delete_forgotten_counters(now: datetime) -> int:
    """Delete counters of failed log-ins and of mails that count no more."""
    return counters.delete_forgotten(now=now)


@retention.rule("signing_keys")
def delete_retired_keys(now: datetime) -> int:
    """Delete keys that no token needs any more."""
    return keys.delete_retired(now=now)
