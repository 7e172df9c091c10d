"""The one way to change an order's status."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Order, OrderHistory


def change_status(
    order_id: UUID,
    source: OrderStatus,
    target: OrderStatus,
    *,
    who: str,
    why: str = "",
    condition: Q | None = None,
    **values: Any,
) -> bool:
    """Move an order on; return False, and change nothing, where it is not (or no more) in `source`.

    One conditional UPDATE decides between callers at once. Needs a transaction, the one that
    publishes the event.

    Args:
        order_id: which order.
        source: the status that it must have.
        target: the status that it gets; its `_at` column gets the time.
        who: user:<id>, staff:<id> or job:<name>, for the history.
        why: for people, in the history.
        condition: what must hold besides.
        values: other columns to set.

    Raises:
        TransitionNotAllowed: the state machine has no such way.
    """
    states.require_transition(source, target)
    now = timezone.now()
    columns = {
        "status": target,
        f"{target}_at": now,
        "recover_after": None,
        "payment_in_flight": None,
        **values,
    }
    rows = Order.objects.filter(condition or Q(), id=order_id, status=source)
    if not rows.update(**columns):
        return False
    OrderHistory.objects.create(
        order_id=order_id, from_status=source, to_status=target, at=now, who=who, why=why
    )
    return True
