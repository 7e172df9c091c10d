"""Paying: two transactions with the provider between them. No order is ever charged twice."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.order_service import conf, events, payments
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.errors import (
    PaymentDeclined,
    PaymentExpired,
    PaymentMismatch,
    StateConflict,
    TooManyPayments,
)
from apps.order_service.models import Order, Payment
from apps.order_service.payments import Outcome, OutcomeUnknown, PaymentRequest
from apps.order_service.services import answers, counting, idempotency
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.rounds import Round
from apps.order_service.services.transitions import change_status, conflict
from chassis.errors import PublicError
from chassis.events import publish
from chassis.ids import uuid7

_DUE: Final = Round(
    Payment,
    turn="settle_after",
    waits="status IN ('pending', 'unknown')",
    retry_seconds=conf.SETTLE_RETRY_SECONDS,
)

_NOT_TAKEN: Final = (*states.OPEN_PAYMENT, PaymentStatus.DECLINED)
"""A payment in one of these may still turn out to have taken the money."""

_TRIED_TOO_OFTEN: Final = Exists(
    Payment.objects.filter(order_id=OuterRef("id"))[conf.MOST_PAYMENTS - 1 :]
)

log = structlog.get_logger()


def pay_order(*, call: Call, order_id: UUID, method: str, token: str) -> Answer:
    """Pay an order of the call's user and return the answer, the same one for the same call.

    201 when the money was taken, 202 when the provider gave no answer (`settle_payments` finds
    out) or tells it later (`take_message`), or the problem of a refusal. Opens its own
    transactions. While a payment has no outcome the order can be neither paid again nor cancelled.

    Raises:
        IdempotencyKeyReused, IdempotencyInProgress: see `idempotency.stored_answer`.
    """
    name = payments.provider_of(method)
    provider = payments.provider(name)
    payment = _begin(
        call, order_id, method=method, provider=name, token_kind=provider.token_kind(token)
    )
    if payment is not None:
        try:
            outcome = provider.charge(request_of(payment, now=payment.created_at), token)
            _conclude_or_wait(payment, outcome, who=f"user:{call.user_id}")
        except (OutcomeUnknown, PaymentMismatch) as error:
            _leave_unknown(payment, error)
    return idempotency.stored_answer(call)


def _begin(call: Call, order_id: UUID, **how: str) -> Payment | None:
    """Write the key and the payment; None where the key is used or the order cannot be paid."""
    with transaction.atomic(durable=True):
        if not idempotency.claim(call):
            return None
        now = timezone.now()
        payment_id = uuid7()
        taken = Order.objects.filter(
            ~_TRIED_TOO_OFTEN,
            id=order_id,
            user_id=call.user_id,
            status=OrderStatus.PLACED,
            payment_in_flight=None,
            expires_at__gt=now,
        ).update(payment_in_flight=payment_id)
        order = Order.objects.get(id=order_id)
        if not taken:
            idempotency.finish_call(call, _refusal(order, now))
            return None
        payment = Payment.objects.create(
            id=payment_id,
            order=order,
            amount=order.total,
            currency=order.currency,
            settle_after=now + timedelta(seconds=conf.SETTLE_AFTER_SECONDS),
            **how,
        )
        idempotency.attach(call, payment_id=payment.id)
        return payment


def _refusal(order: Order, now: datetime) -> PublicError:
    is_placed = order.status == OrderStatus.PLACED and not order.payment_in_flight
    if is_placed and order.expires_at and order.expires_at <= now:
        return PaymentExpired(expired_at=order.expires_at)
    if is_placed and order.payments.count() >= conf.MOST_PAYMENTS:
        limit = conf.MOST_PAYMENTS
        return TooManyPayments(
            f"It was tried {limit} times", limit=limit, order_status=order.status
        )
    return conflict(order)


def request_of(payment: Payment, *, now: datetime) -> PaymentRequest:
    """Return a payment as its provider knows it."""
    return PaymentRequest(
        payment.id, payment.amount, payment.currency, age=now - payment.created_at
    )


def _conclude_or_wait(payment: Payment, outcome: Outcome | None, *, who: str) -> bool:
    """Write what the provider said; return whether that was its final word."""
    if outcome is None:
        told_by = payment.created_at + timedelta(seconds=conf.AWAIT_OUTCOME_SECONDS)
        _leave_open(payment, PaymentStatus.PENDING, settle_after=told_by)
        return False
    with transaction.atomic(durable=True):
        conclude(payment, outcome, who=who)
    return True


def _leave_unknown(payment: Payment, error: Exception) -> None:
    log.warning("payment_unknown", payment_id=str(payment.id), reason=str(error))
    settle_after = timezone.now() + timedelta(seconds=conf.SETTLE_RETRY_SECONDS)
    _leave_open(payment, PaymentStatus.UNKNOWN, settle_after=settle_after)


def _leave_open(payment: Payment, status: PaymentStatus, *, settle_after: datetime) -> None:
    """Answer 202 and leave the payment to others, unless somebody has found out meanwhile."""
    with transaction.atomic(durable=True):
        pending = Payment.objects.filter(id=payment.id, status=PaymentStatus.PENDING)
        if pending.update(status=status, settle_after=settle_after):
            idempotency.finish(answers.payment_made(202, payment.id, status), payment_id=payment.id)
            counting.payment_became(status)


def conclude(payment: Payment, outcome: Outcome, *, who: str) -> str:
    """Write the provider's final word, once, and return what came of it.

    The order is paid, or free to be paid again. Money that came for an order that cannot be paid
    any more goes back; it may come late, for a payment that was given up. Needs a transaction.

    Raises:
        PaymentMismatch: the provider speaks of another amount or currency; nothing is changed.
    """
    order = lock_order(payment)
    payment.refresh_from_db()
    require_same_money(outcome.amount, outcome.currency, payment, order)
    settled = {"settle_after": None, "settled_at": timezone.now()}
    if outcome.succeeded and payment.status in _NOT_TAKEN:
        answer = _take(order, payment, outcome, who=who, **settled)
    elif not outcome.succeeded and payment.status in states.OPEN_PAYMENT:
        answer = _decline(order, payment, outcome, **settled)
    else:
        return f"nothing: the payment was {payment.status} before"
    idempotency.finish(answer, payment_id=payment.id)
    counting.payment_became(PaymentStatus(payment.status))
    log.info("payment_concluded", payment_id=str(payment.id), status=payment.status)
    return f"the payment is {payment.status}"


def lock_order(payment: Payment) -> Order:
    """Return the order of a payment, locked: whoever takes both rows takes the order's first."""
    return Order.objects.select_for_update().get(id=payment.order_id)


def require_same_money(amount: object, currency: str, payment: Payment, order: Order) -> None:
    """Compare what a provider says with what was asked for, and with what the order costs.

    Raises:
        PaymentMismatch: they differ.
    """
    asked = (payment.amount, payment.currency)
    if not (amount, currency) == asked == (order.total, order.currency):
        log.error("payment_mismatch", payment_id=str(payment.id), told=f"{amount} {currency}")
        raise PaymentMismatch(f"The payment is of {payment.amount} {payment.currency}")


def _take(
    order: Order, payment: Payment, outcome: Outcome, *, who: str, **settled: datetime | None
) -> Answer | PublicError:
    """Pay the order with money that came, or let the money go back."""
    if paid := _mark_paid(order, payment, who=who):
        payment.status = PaymentStatus.SUCCEEDED
    else:
        log.warning("payment_not_needed", payment_id=str(payment.id), order_status=order.status)
        payment.status = PaymentStatus.REFUNDING
    _save(
        payment,
        provider_reference=outcome.reference,
        refund_after=None if paid else timezone.now(),
        **settled,
    )
    if paid:
        return answers.payment_made(201, payment.id, payment.status)
    return StateConflict("The order can no longer be paid", order_status=order.status)


def _mark_paid(order: Order, payment: Payment, *, who: str) -> bool:
    """Take the order on to paid and tell it, unless it is past that or being paid otherwise."""
    if not change_status(
        order.id,
        OrderStatus.PLACED,
        OrderStatus.PAID,
        who=who,
        why=f"payment {payment.id}",
        condition=Q(payment_in_flight=None) | Q(payment_in_flight=payment.id),
    ):
        return False
    publish(
        events.OrderPaid(
            order_id=order.id,
            user_id=order.user_id,
            payment_id=payment.id,
            total=payment.amount,
            currency=payment.currency,
        ),
        subject=str(order.id),
    )
    return True


def _decline(
    order: Order, payment: Payment, outcome: Outcome, **settled: datetime | None
) -> PublicError:
    payment.status = PaymentStatus.DECLINED
    _save(payment, provider_reference=outcome.reference, **settled)
    free_order(order, payment)
    return PaymentDeclined(outcome.reason, payment_id=payment.id)


def free_order(order: Order, payment: Payment) -> None:
    """Let an order be paid or cancelled again after a payment that did not pay it."""
    Order.objects.filter(id=order.id, payment_in_flight=payment.id).update(payment_in_flight=None)


def _save(payment: Payment, **values: object) -> None:
    """Write a payment's status and these columns; its order's row is locked."""
    Payment.objects.filter(id=payment.id).update(status=payment.status, **values)


def settle_payments(*, now: datetime) -> int:
    """Ask the provider about payments without an outcome at `now`; return how many got one.

    It asks and never charges again: nothing is taken twice. Idempotent; safe beside requests.
    """
    settled = 0
    for payment in _DUE.due(now):
        with idempotency.resumed(payment_id=payment.id):
            try:
                outcome = payments.provider(payment.provider).settle(request_of(payment, now=now))
                settled += _conclude_or_wait(payment, outcome, who="job:payments")
            except (OutcomeUnknown, PaymentMismatch) as error:
                _leave_unknown(payment, error)
    return settled
