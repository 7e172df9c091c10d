"""The audit log: who of staff did what, when, to what."""

from typing import Any
from uuid import UUID

from django.db import connection

from chassis import context
from chassis.models import AuditEntry


def record(
    action: str, *, target_type: str, target_id: object, actor_id: UUID | None, **details: Any
) -> AuditEntry:
    """Note an action in the transaction of its effect, so that neither is without the other.

    Args:
        action: what happened, as `user.role_changed`.
        target_type: the kind of thing it happened to, as `user`.
        target_id: which one.
        actor_id: the user who did it, None for a command.
        details: what changed, as JSON; never a secret.

    Raises:
        RuntimeError: no transaction is open.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit entry is written in the transaction of what it tells")
    return AuditEntry.objects.create(
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        actor_id=actor_id,
        details=details,
        request_id=context.current().request_id,
    )
