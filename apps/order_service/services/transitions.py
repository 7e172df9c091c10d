"""The one way to change an order's status."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus
from apps.order_service.errors import StateConflict
from apps.order_service.models import Order
from apps.order_service.services import counting
from chassis import audit, context, database

_STAFF: Final = "staff:"

# The columns to set are put in: their names are of the code, and few sets of them exist.
_CHANGE: Final = """
WITH moved AS (
    UPDATE orders SET status = %(target)s, recover_after = NULL, payment_in_flight = NULL, {columns}
    WHERE id = %(order_id)s AND status = %(source)s
    RETURNING id
)
INSERT INTO order_history (order_id, from_status, to_status, at, who, why, request_id)
SELECT id, %(source)s, %(target)s, %(now)s, %(who)s, %(why)s, %(request_id)s FROM moved
RETURNING 1
"""


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

    One conditional UPDATE decides between callers at once. What staff do is audited. Needs a
    transaction, the one that publishes the event.

    Args:
        order_id: which order.
        source: the status that it must have.
        target: the status that it gets; its `_at` column gets the time.
        who: user:<id>, staff:<id>, job:<name> or provider:<name>, for the history.
        why: for people, in the history.
        condition: what must hold besides; the order is held from then on.
        values: other columns to set.

    Raises:
        TransitionNotAllowed: the state machine has no such way.
    """
    states.require_transition(source, target)
    if condition is not None and not _hold(order_id, source, condition):
        return False
    now = timezone.now()
    columns = {f"{target}_at": now, **values}
    statement = _CHANGE.format(columns=", ".join(f"{name} = %({name})s" for name in columns))
    parameters = {
        **columns,
        "order_id": order_id,
        "source": source.value,
        "target": target.value,
        "now": now,
        "who": who,
        "why": why,
        "request_id": context.current().request_id,
    }
    if not database.fetch(statement, parameters, prepare=True):
        return False
    counting.order_became(target)
    if who.startswith(_STAFF):
        audit.record(
            f"order.{target}",
            target_type="order",
            target_id=order_id,
            actor_id=UUID(who.removeprefix(_STAFF)),
            before=source,
            after=target,
            why=why,
        )
    return True


def _hold(order_id: UUID, source: OrderStatus, condition: Q) -> bool:
    """Tell whether the order meets the condition, and let nobody else change it in this transaction."""
    held = Order.objects.select_for_update(no_key=True).filter(
        condition, id=order_id, status=source
    )
    return bool(held.values_list("id"))


def change_from(
    order_id: UUID,
    sources: Collection[OrderStatus],
    target: OrderStatus,
    **change: Any,
) -> Order:
    """Move an order on from the status that it is found in, and return it as it is then.

    Whoever else moves it in between wins: what was decided about an order that has changed since
    is refused. Needs a transaction.

    Args:
        order_id: which order.
        sources: the statuses that it may be found in.
        target: the status that it gets.
        change: see `change_status`.

    Raises:
        StateConflict: it is found in another status, or was moved at the same time.
    """
    order = Order.objects.get(id=order_id)
    found = OrderStatus(order.status)
    moved = found in sources and change_status(order_id, found, target, **change)
    order.refresh_from_db()
    if not moved:
        raise conflict(order)
    return order


def conflict(order: Order) -> StateConflict:
    """Return the refusal of a change that an order's status does not allow."""
    if order.payment_in_flight:
        return StateConflict("A payment of this order is under way", order_status=order.status)
    return StateConflict(f"The order is {order.status}", order_status=order.status)
