"""Paying: two transactions with the provider between them. No order is ever charged twice."""

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.order_service import conf, events, payments
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.errors import PaymentDeclined, PaymentExpired, StateConflict
from apps.order_service.models import Order, Payment
from apps.order_service.payments import Outcome, OutcomeUnknown, PaymentRequest
from apps.order_service.services import answers, idempotency
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.transitions import change_status
from chassis.errors import PublicError
from chassis.events import publish
from chassis.ids import uuid7

_TAKE: Final = """
UPDATE payment SET settle_after = %(now)s::timestamptz + make_interval(secs => %(retry)s)
WHERE id = (
    SELECT id FROM payment WHERE status IN ('pending', 'unknown') AND settle_after <= %(now)s
    ORDER BY settle_after LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *
"""

log = structlog.get_logger()


class OrderNotPayable(Exception):
    """A payment succeeded and its order is not there to be paid: the books are wrong."""


def pay_order(*, call: Call, order_id: UUID, method: str, token: str) -> Answer:
    """Pay an order of the call's user and return the answer, the same one for the same call.

    201 when the money was taken, 202 when the provider gave no answer (`settle_payments` finds
    out), or the problem of a refusal. Opens its own transactions. While a payment has no outcome
    the order can be neither paid again nor cancelled.

    Raises:
        IdempotencyKeyReused, IdempotencyInProgress: see `idempotency.stored_answer`.
    """
    provider = payments.provider(method)
    payment = _begin(call, order_id, method, provider.token_kind(token))
    if payment is not None:
        try:
            outcome = provider.charge(_request(payment), token)
        except OutcomeUnknown as error:
            log.warning("payment_unknown", payment_id=str(payment.id), reason=str(error))
            _leave_unknown(payment)
        else:
            _conclude(payment, outcome, who=f"user:{call.user_id}")
    return idempotency.stored_answer(call)


def _begin(call: Call, order_id: UUID, method: str, token_kind: str) -> Payment | None:
    """Write the key and the payment; None where the key is used or the order cannot be paid."""
    with transaction.atomic(durable=True):
        if not idempotency.claim(call):
            return None
        now = timezone.now()
        payment_id = uuid7()
        taken = Order.objects.filter(
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
            method=method,
            token_kind=token_kind,
            amount=order.total,
            currency=order.currency,
            settle_after=now + timedelta(seconds=conf.SETTLE_AFTER_SECONDS),
        )
        idempotency.attach(call, payment_id=payment.id)
        return payment


def _refusal(order: Order, now: datetime) -> PublicError:
    if order.payment_in_flight:
        return StateConflict("A payment of this order is under way", order_status=order.status)
    if order.status == OrderStatus.PLACED and order.expires_at and order.expires_at <= now:
        return PaymentExpired(expired_at=order.expires_at)
    return StateConflict(f"The order is {order.status}", order_status=order.status)


def _request(payment: Payment) -> PaymentRequest:
    return PaymentRequest(payment.id, payment.amount, payment.currency)


def _leave_unknown(payment: Payment) -> None:
    """Answer 202 and leave the payment to the job, unless somebody has found out meanwhile."""
    with transaction.atomic(durable=True):
        pending = Payment.objects.filter(id=payment.id, status=PaymentStatus.PENDING)
        settle_after = timezone.now() + timedelta(seconds=conf.SETTLE_RETRY_SECONDS)
        if pending.update(status=PaymentStatus.UNKNOWN, settle_after=settle_after):
            idempotency.finish(
                answers.payment_made(202, payment.id, PaymentStatus.UNKNOWN),
                payment_id=payment.id,
            )


def _conclude(payment: Payment, outcome: Outcome, *, who: str) -> None:
    """Write the provider's final word, once: the order is paid, or free to be paid again."""
    status = PaymentStatus.SUCCEEDED if outcome.succeeded else PaymentStatus.DECLINED
    with transaction.atomic(durable=True):
        # The order first, as everywhere: whoever takes both rows takes them in this order.
        Order.objects.select_for_update().get(id=payment.order_id)
        if not Payment.objects.filter(id=payment.id, status__in=states.OPEN_PAYMENT).update(
            status=status,
            provider_reference=outcome.reference,
            settle_after=None,
            settled_at=timezone.now(),
        ):
            return
        if outcome.succeeded:
            _mark_paid(payment, who=who)
            answer: Answer | PublicError = answers.payment_made(201, payment.id, status)
        else:
            Order.objects.filter(payment_in_flight=payment.id, id=payment.order_id).update(
                payment_in_flight=None
            )
            answer = PaymentDeclined(outcome.reason, payment_id=payment.id)
        idempotency.finish(answer, payment_id=payment.id)
    log.info("payment_concluded", payment_id=str(payment.id), status=status)


def _mark_paid(payment: Payment, *, who: str) -> None:
    order = Order.objects.get(id=payment.order_id)
    if not change_status(
        order.id, OrderStatus.PLACED, OrderStatus.PAID, who=who, why=f"payment {payment.id}"
    ):
        raise OrderNotPayable(f"payment {payment.id} of order {order.id}, which is {order.status}")
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


def settle_payments(*, now: datetime) -> int:
    """Ask the provider about payments without an outcome at `now`; return how many got one.

    It asks and never charges again: nothing is taken twice. Idempotent; safe beside requests.
    """
    ends = time.monotonic() + conf.ROUND_SECONDS
    settled = 0
    while time.monotonic() < ends and (payment := _take_due(now)) is not None:
        with idempotency.resumed(payment_id=payment.id):
            try:
                outcome = payments.provider(payment.method).settle(_request(payment))
            except OutcomeUnknown as error:
                log.warning("payment_unknown", payment_id=str(payment.id), reason=str(error))
                continue
            _conclude(payment, outcome, who="job:payments")
            settled += 1
    return settled


def _take_due(now: datetime) -> Payment | None:
    rows = Payment.objects.raw(_TAKE, {"now": now, "retry": conf.SETTLE_RETRY_SECONDS})
    return next(iter(rows), None)
