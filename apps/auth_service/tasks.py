"""Timed jobs."""

from django.utils import timezone

from apps.auth_service.services import sessions
from chassis import jobs


@jobs.every(3600, name="accounts.delete_ended_log_ins")
def delete_ended_log_ins() -> int:
    """Delete log-ins that are over."""
    return sessions.delete_ended(now=timezone.now())
