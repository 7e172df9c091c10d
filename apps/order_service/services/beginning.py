"""The first transaction of an order: the key, and what the customer wants."""

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.order_service import conf, selectors
from apps.order_service.domain import numbers
from apps.order_service.domain.lines import RequestedLine
from apps.order_service.domain.states import OrderStatus
from apps.order_service.errors import TooManyOpenOrders
from apps.order_service.models import Order
from apps.order_service.services import carts, counting, idempotency
from apps.order_service.services.idempotency import Call
from chassis import context, database, json
from chassis.ids import uuid7

_NUMBER_DRAWS: Final = 5
_INSERT: Final = """
WITH made AS (
    INSERT INTO orders (id, number, user_id, status, requested_lines, shipping_address,
                        expected_total, from_cart, currency, recover_after, created_at)
    VALUES (%(id)s, %(number)s, %(user_id)s, 'pending', %(lines)s::jsonb, %(address)s::jsonb,
            %(expected_total)s, %(from_cart)s, %(currency)s, %(recover_after)s, %(created_at)s)
    ON CONFLICT (number) DO NOTHING
    RETURNING id, created_at
)
INSERT INTO order_history (order_id, from_status, to_status, at, who, why, request_id)
SELECT id, '', 'pending', created_at, %(who)s, '', %(request_id)s FROM made
RETURNING 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a customer wants to order; `expected_total` is what they were shown, if they say so.

    `from_cart`: the lines are those of the cart at that moment, and leave it.
    """

    user_id: UUID
    lines: tuple[RequestedLine, ...]
    shipping_address: dict[str, Any]
    expected_total: Decimal | None = None
    from_cart: bool = False


def begin_order(call: Call, draft: Draft) -> Order | None:
    """Write the key and the pending order; None where the key is used or the user has too many."""
    order_id = uuid7()
    with transaction.atomic(durable=True):
        if not idempotency.claim(call, order_id=order_id):
            return None
        if selectors.count_open_orders(draft.user_id) >= (limit := conf.open_orders_limit()):
            error = TooManyOpenOrders(f"You have {limit} open orders", limit=limit)
            idempotency.attach(call, order_id=None)
            idempotency.finish_call(call, error)
            return None
        if draft.from_cart:
            draft = replace(draft, lines=carts.take_lines(draft.user_id))
        return _insert_order(order_id, draft)


def _insert_order(order_id: UUID, draft: Draft) -> Order:
    order = Order(
        id=order_id,
        user_id=draft.user_id,
        requested_lines=[asdict(line) for line in draft.lines],
        shipping_address=draft.shipping_address,
        expected_total=draft.expected_total,
        from_cart=draft.from_cart,
        currency=conf.currency(),
        recover_after=timezone.now() + timedelta(seconds=conf.RECOVER_AFTER_SECONDS),
    )
    for _ in range(_NUMBER_DRAWS):
        order.number = numbers.order_number(secrets.randbits(numbers.BITS))
        if _is_inserted(order):
            counting.order_became(OrderStatus.PENDING)
            return order
    raise RuntimeError(f"{_NUMBER_DRAWS} order numbers were all taken")


def _is_inserted(order: Order) -> bool:
    """Insert the order and its first history; return False where another has its number."""
    parameters = {
        "id": order.id,
        "number": order.number,
        "user_id": order.user_id,
        "lines": json.encode(order.requested_lines).decode(),
        "address": json.encode(order.shipping_address).decode(),
        "expected_total": order.expected_total,
        "from_cart": order.from_cart,
        "currency": order.currency,
        "recover_after": order.recover_after,
        "created_at": order.created_at,
        "who": f"user:{order.user_id}",
        "request_id": context.current().request_id,
    }
    return bool(database.fetch(_INSERT, parameters, prepare=True))
