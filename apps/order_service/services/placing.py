"""Placing an order: two transactions with the call to catalog between them (design.md)."""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.order_service import clients, conf, events, selectors
from apps.order_service.clients.catalog import (
    Reservation,
    ReservationClosed,
    ShortLine,
    SkusUnknown,
    StockShort,
)
from apps.order_service.domain import numbers, totals
from apps.order_service.domain.lines import RequestedLine, from_stored
from apps.order_service.domain.states import OrderStatus
from apps.order_service.domain.totals import PricedLine, Totals
from apps.order_service.errors import (
    OutOfStock,
    PriceChanged,
    StateConflict,
    TooManyOpenOrders,
    UnknownSku,
)
from apps.order_service.models import Order, OrderHistory, OrderLine
from apps.order_service.services import answers, idempotency
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.transitions import change_status
from chassis.errors import PublicError
from chassis.events import publish
from chassis.rest import Unavailable

_NUMBER_DRAWS: Final = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a customer wants to order; `expected_total` is what they were shown, if they say so."""

    user_id: UUID
    lines: tuple[RequestedLine, ...]
    shipping_address: dict[str, Any]
    expected_total: Decimal | None = None


def place_order(*, call: Call, draft: Draft) -> Answer:
    """Place an order and return the answer, the same one for the same call.

    201 with the placed order, 202 with the pending one while catalog is unreachable, or the
    problem of a refusal. Opens its own transactions; a process that dies between them leaves an
    order that `recover_orders` finishes.

    Raises:
        IdempotencyKeyReused, IdempotencyInProgress: see `idempotency.stored_answer`.
    """
    order = _begin(call, draft)
    if order is not None:
        try:
            settle_order(order, who=f"user:{draft.user_id}")
        except Unavailable as error:
            log.warning("order_left_pending", order_id=str(order.id), reason=str(error))
            _accept(order)
    return idempotency.stored_answer(call)


def _begin(call: Call, draft: Draft) -> Order | None:
    """Write the key and the pending order; None where the key is used or the user has too many."""
    with transaction.atomic(durable=True):
        if not idempotency.claim(call):
            return None
        _lock_user(draft.user_id)
        if selectors.count_open_orders(draft.user_id) >= conf.OPEN_ORDERS_LIMIT:
            limit = conf.OPEN_ORDERS_LIMIT
            error = TooManyOpenOrders(f"You have {limit} open orders", limit=limit)
            idempotency.finish_call(call, error)
            return None
        order = _insert_order(draft)
        idempotency.attach(call, order_id=order.id)
        return order


def _lock_user(user_id: UUID) -> None:
    """Let a user's orders begin one after the other, so that none slips past the limit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"orders:{user_id}"]
        )


def _insert_order(draft: Draft) -> Order:
    order = Order(
        user_id=draft.user_id,
        requested_lines=[asdict(line) for line in draft.lines],
        shipping_address=draft.shipping_address,
        expected_total=draft.expected_total,
        currency=conf.currency(),
        recover_after=timezone.now() + timedelta(seconds=conf.RECOVER_AFTER_SECONDS),
    )
    for draw in range(_NUMBER_DRAWS):
        order.number = numbers.order_number(secrets.randbits(numbers.BITS))
        try:
            with transaction.atomic():
                order.save(force_insert=True)
            break
        except IntegrityError:
            if draw == _NUMBER_DRAWS - 1:
                raise
    OrderHistory.objects.create(
        order=order, to_status=OrderStatus.PENDING, who=f"user:{draft.user_id}"
    )
    return order


def settle_order(order: Order, *, who: str) -> None:
    """Ask catalog about a pending order, then place or reject it.

    Idempotent, and safe beside another process that does the same: one of them moves the order,
    and stores the answer of the request that made it. Must not run inside a transaction.

    Raises:
        Unavailable: catalog gave no usable answer; the order stays as it is.
    """
    lines = from_stored(order.requested_lines)
    try:
        reservation = clients.catalog().reserve(order.id, lines)
    except StockShort as error:
        _reject(order, _out_of_stock(lines, error.lines), who=who)
    except SkusUnknown as error:
        _reject(order, _unknown_sku(lines, error.skus), who=who)
    except ReservationClosed:
        _reject(order, StateConflict("The order's reservation was released"), who=who)
    else:
        _place_or_refuse(order, reservation, who=who)


def _place_or_refuse(order: Order, reservation: Reservation, *, who: str) -> None:
    lines = _priced_lines(order, reservation)
    sums = totals.add_up(lines, conf.tariff())
    if order.expected_total not in {None, sums.total}:
        _reject(order, _price_changed(order, sums), who=who)
        # The event releases the stock in any case; this lets the customer order again at once.
        release_quietly(order.id)
    else:
        _place(order, reservation, lines, sums, who=who)


def _priced_lines(order: Order, reservation: Reservation) -> list[PricedLine]:
    """Return the reserved lines in the customer's order."""
    if any(line.currency != order.currency for line in reservation.lines):
        log.error("reservation_in_other_currency", order_id=str(order.id))
        raise Unavailable(f"catalog's prices are not in {order.currency}")
    reserved = {line.sku: line for line in reservation.lines}
    return [
        PricedLine(line.sku, reserved[line.sku].name, line.quantity, reserved[line.sku].unit_price)
        for line in from_stored(order.requested_lines)
    ]


def _place(
    order: Order, reservation: Reservation, lines: list[PricedLine], sums: Totals, *, who: str
) -> None:
    with transaction.atomic(durable=True):
        placed = change_status(
            order.id,
            OrderStatus.PENDING,
            OrderStatus.PLACED,
            who=who,
            expires_at=reservation.expires_at,
            **asdict(sums),
        )
        if placed:
            _insert_lines(order, lines)
            publish(_placed_event(order, lines, sums), subject=str(order.id))
            idempotency.finish(answers.order_made(201, order.id), order_id=order.id)
    if placed:
        log.info("order_placed", order_id=str(order.id), total=str(sums.total))
    else:
        _release_unless_placed(order)


def _insert_lines(order: Order, lines: list[PricedLine]) -> None:
    OrderLine.objects.bulk_create(
        OrderLine(order=order, position=position, line_total=line.line_total, **asdict(line))
        for position, line in enumerate(lines)
    )


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


def _reject(order: Order, error: PublicError, *, who: str) -> None:
    with transaction.atomic(durable=True):
        if not change_status(
            order.id, OrderStatus.PENDING, OrderStatus.REJECTED, who=who, why=error.code
        ):
            return
        publish(
            events.OrderRejected(order_id=order.id, user_id=order.user_id, reason=error.code),
            subject=str(order.id),
        )
        idempotency.finish(error, order_id=order.id)
    log.info("order_rejected", order_id=str(order.id), reason=error.code)


def _accept(order: Order) -> None:
    """Answer 202 and leave the order to recovery, unless somebody has decided it meanwhile."""
    with transaction.atomic(durable=True):
        pending = Order.objects.filter(id=order.id, status=OrderStatus.PENDING)
        if pending.update(recover_after=timezone.now()):
            idempotency.finish(answers.order_made(202, order.id), order_id=order.id)


def release_quietly(order_id: UUID) -> None:
    """Release the reservation of an order that was rejected or cancelled, at once if possible.

    The event of the change releases it later where catalog is unreachable now.
    """
    try:
        clients.catalog().release(order_id)
    except Unavailable as error:
        log.warning("reservation_left_to_event", order_id=str(order_id), reason=str(error))


def _out_of_stock(lines: tuple[RequestedLine, ...], short: tuple[ShortLine, ...]) -> OutOfStock:
    positions = {line.sku: line.position for line in lines}
    return OutOfStock(
        "Some lines cannot be had in full",
        errors=[
            {
                "pointer": f"#/lines/{positions[line.sku]}/quantity",
                "detail": _shortage(line),
                "code": OutOfStock.code,
            }
            for line in short
        ],
        lines=[asdict(line) for line in short],
    )


def _shortage(line: ShortLine) -> str:
    available = "fewer" if line.available is None else str(line.available)
    return f"{line.requested} of {line.sku} wanted, {available} available"


def _unknown_sku(lines: tuple[RequestedLine, ...], skus: tuple[str, ...]) -> UnknownSku:
    positions = {line.sku: line.position for line in lines}
    return UnknownSku(
        "There is no such product: " + ", ".join(skus),
        errors=[
            {
                "pointer": f"#/lines/{positions[sku]}/sku",
                "detail": f"{sku} does not exist",
                "code": UnknownSku.code,
            }
            for sku in skus
        ],
    )


def _price_changed(order: Order, sums: Totals) -> PriceChanged:
    return PriceChanged(
        f"The total is {sums.total} {order.currency}, not {order.expected_total}",
        total=sums.total,
        expected_total=order.expected_total,
        currency=order.currency,
    )
