"""What is deleted of the auth service's tables when its time is over."""

from datetime import datetime

from apps.auth_service import keys
from apps.auth_service.services import attempts, sessions
from chassis import retention


@retention.rule("log_ins")
def delete_ended_log_ins(now: datetime) -> int:
    """Delete log-ins that are over."""
    return sessions.delete_ended(now=now)


@retention.rule("login_counters")
def delete_forgotten_failures(now: datetime) -> int:
    """Delete counters of failed log-ins that count no more."""
    return attempts.delete_forgotten(now=now)


@retention.rule("signing_keys")
def delete_retired_keys(now: datetime) -> int:
    """Delete keys that no token needs any more."""
    return keys.delete_retired(now=now)
