"""Placing an order: two transactions with the call to catalog between them (design.md)."""

import time
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from prometheus_client import Counter

from apps.order_service import clients, conf, events
from apps.order_service.clients.catalog import (
    Reservation,
    ReservationClosed,
    SkusUnknown,
    StockShort,
)
from apps.order_service.domain import totals
from apps.order_service.domain.lines import from_stored
from apps.order_service.domain.states import OrderStatus
from apps.order_service.domain.totals import PricedLine, Totals
from apps.order_service.errors import (
    OutOfStock,
    StateConflict,
    UnknownSku,
)
from apps.order_service.models import Order
from apps.order_service.services import answers, calls, carts, idempotency, refusals
from apps.order_service.services.beginning import Draft, begin_order
from apps.order_service.services.calls import RemoteCall
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.transitions import change_status
from chassis import database
from chassis.errors import PublicError
from chassis.events import publish
from chassis.rest import Broken, Unavailable

_ANSWERS: Final = Counter(
    "souk_order_requests",
    "Answers to requests that place an order, by status; those given again too.",
    ["status"],
)

_INSERT_LINES: Final = """
INSERT INTO order_line (order_id, position, sku, name, quantity, unit_price, line_total)
SELECT %(order_id)s, ordinality - 1, sku, name, quantity, unit_price, line_total
FROM unnest(%(skus)s::text[], %(names)s::text[], %(quantities)s::int[], %(unit_prices)s::numeric[],
            %(line_totals)s::numeric[]) WITH ORDINALITY
    AS line (sku, name, quantity, unit_price, line_total, ordinality)
RETURNING position
"""

log = structlog.get_logger()


def place_order(*, call: Call, draft: Draft) -> Answer:
    """Place an order and return the answer, the same one for the same call.

    201 with the placed order, 202 with the pending one while catalog is unreachable, or the
    problem of a refusal. Opens its own transactions; a process that dies between them leaves an
    order that `recover_orders` finishes.

    Raises:
        IdempotencyKeyReused, IdempotencyInProgress: see `idempotency.stored_answer`.
        CartEmpty: the cart has no lines; that is not stored.
    """
    order = begin_order(call, draft)
    answer = None
    if order is not None:
        try:
            answer = settle_order(order, who=f"user:{draft.user_id}")
        except Unavailable as error:
            log.warning("order_left_pending", order_id=str(order.id), reason=str(error))
            _accept(order)
    answer = answer or idempotency.stored_answer(call)
    _ANSWERS.labels(answer.status).inc()
    return answer


def settle_order(order: Order, *, who: str) -> Answer | None:
    """Ask catalog about a pending order, then place or reject it.

    Idempotent, and safe beside another process that does the same: one of them moves the order,
    and stores the answer of the request that made it. Must not run inside a transaction.

    Returns:
        The answer that it stored, where it placed the order.

    Raises:
        Unavailable: catalog gave no usable answer; the order stays as it is.
    """
    lines = from_stored(order.requested_lines)
    started = time.monotonic()

    def ended(outcome: str) -> RemoteCall:
        return calls.ended(order.id, calls.RESERVE, outcome, started=started)

    try:
        reservation = clients.catalog().reserve(order.id, lines)
    except StockShort as error:
        _reject(order, refusals.out_of_stock(order, error.lines), ended(OutOfStock.code), who=who)
    except SkusUnknown as error:
        _reject(order, refusals.unknown_sku(order, error.skus), ended(UnknownSku.code), who=who)
    except ReservationClosed:
        closed = StateConflict("The order's reservation was released")
        _reject(order, closed, ended("reservation-closed"), who=who)
    except Unavailable:
        _record(ended(calls.UNAVAILABLE))
        raise
    else:
        return _place_or_refuse(order, reservation, ended("reserved"), who=who)
    return None


def _place_or_refuse(
    order: Order, reservation: Reservation, call: RemoteCall, *, who: str
) -> Answer | None:
    lines = _priced_lines(order, reservation)
    sums = totals.add_up(lines, conf.tariff(order.shipping_address["country"]))
    if order.expected_total not in {None, sums.total}:
        _reject(order, refusals.price_changed(order, sums), call, who=who)
        # The event releases the stock in any case; this lets the customer order again at once.
        release_quietly(order.id)
        return None
    return _place(order, reservation, lines, sums, call, who=who)


def _priced_lines(order: Order, reservation: Reservation) -> list[PricedLine]:
    """Return the reserved lines in the customer's order."""
    if any(line.currency != order.currency for line in reservation.lines):
        log.error("reservation_in_other_currency", order_id=str(order.id))
        raise Broken(f"catalog's prices are not in {order.currency}")
    reserved = {line.sku: line for line in reservation.lines}
    return [
        PricedLine(
            line.sku,
            reserved[line.sku].name,
            line.quantity,
            totals.round_to_cents(reserved[line.sku].unit_price),
        )
        for line in from_stored(order.requested_lines)
    ]


def _place(
    order: Order,
    reservation: Reservation,
    lines: list[PricedLine],
    sums: Totals,
    call: RemoteCall,
    *,
    who: str,
) -> Answer | None:
    answer = None
    columns: dict[str, Any] = {
        "placed_at": timezone.now(),
        "expires_at": reservation.expires_at,
        **asdict(sums),
    }
    with transaction.atomic(durable=True):
        calls.record(call)
        placed = change_status(
            order.id, OrderStatus.PENDING, OrderStatus.PLACED, who=who, **columns
        )
        if placed:
            _insert_lines(order, lines)
            publish(_placed_event(order, lines, sums), subject=str(order.id))
            for name, value in {"status": OrderStatus.PLACED, **columns}.items():
                setattr(order, name, value)
            answer = idempotency.finish(answers.order_made(201, order, lines), order_id=order.id)
    if placed:
        log.info("order_placed", order_id=str(order.id), total=str(sums.total))
    else:
        _release_unless_placed(order)
    return answer


def _insert_lines(order: Order, lines: list[PricedLine]) -> None:
    columns = {
        "order_id": order.id,
        "skus": [line.sku for line in lines],
        "names": [line.name for line in lines],
        "quantities": [line.quantity for line in lines],
        "unit_prices": [line.unit_price for line in lines],
        "line_totals": [line.line_total for line in lines],
    }
    database.fetch(_INSERT_LINES, columns, prepare=True)


def _release_unless_placed(order: Order) -> None:
    """Give back what was reserved for an order that somebody rejected or cancelled meanwhile."""
    order.refresh_from_db(fields=["status"])
    if order.status in {OrderStatus.REJECTED, OrderStatus.CANCELLED}:
        release_quietly(order.id)


def _placed_event(order: Order, lines: list[PricedLine], sums: Totals) -> events.OrderPlaced:
    return events.OrderPlaced(
        order_id=order.id,
        user_id=order.user_id,
        number=order.number,
        lines=tuple(events.PlacedLine(**asdict(line)) for line in lines),
        total=sums.total,
        currency=order.currency,
    )


def _reject(order: Order, error: PublicError, call: RemoteCall, *, who: str) -> None:
    with transaction.atomic(durable=True):
        calls.record(call)
        if not change_status(
            order.id, OrderStatus.PENDING, OrderStatus.REJECTED, who=who, why=error.code
        ):
            return
        publish(
            events.OrderRejected(order_id=order.id, user_id=order.user_id, reason=error.code),
            subject=str(order.id),
        )
        idempotency.finish(error, order_id=order.id)
        if order.from_cart:
            carts.put_back(order.id)
    log.info("order_rejected", order_id=str(order.id), reason=error.code)


def _accept(order: Order) -> None:
    """Answer 202 and leave the order to recovery, unless somebody has decided it meanwhile."""
    with transaction.atomic(durable=True):
        pending = Order.objects.filter(id=order.id, status=OrderStatus.PENDING)
        if pending.update(recover_after=timezone.now()):
            idempotency.finish(answers.order_made(202, order), order_id=order.id)


def release_quietly(order_id: UUID) -> None:
    """Release the reservation of an order that was rejected or cancelled, at once if possible.

    The event of the change releases it later where catalog is unreachable now.
    """
    started = time.monotonic()
    outcome = "released"
    try:
        clients.catalog().release(order_id)
    except Unavailable as error:
        log.warning("reservation_left_to_event", order_id=str(order_id), reason=str(error))
        outcome = calls.UNAVAILABLE
    _record(calls.ended(order_id, calls.RELEASE, outcome, started=started))


def _record(call: RemoteCall) -> None:
    """Keep a call of which nothing else is written."""
    with transaction.atomic(durable=True):
        calls.record(call)
