"""Giving back what was paid: owed from the transaction that decides it, given by a job, once."""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.order_service import conf, events, payments
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.models import Order, Payment
from apps.order_service.payments import OutcomeUnknown
from apps.order_service.services import counting, idempotency
from apps.order_service.services.paying import request_of
from apps.order_service.services.rounds import Round
from apps.order_service.services.transitions import change_from
from chassis.events import publish

_REFUNDABLE: Final = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED)

_DUE: Final = Round(
    Payment,
    turn="refund_after",
    waits="status = 'refunding'",
    retry_seconds=conf.REFUND_RETRY_SECONDS,
)

log = structlog.get_logger()


def refund_order(*, order_id: UUID, who: str, reason: str, restock: bool = True) -> None:
    """Refund an order that was paid for: all of its money is owed back from now on.

    Opens its own transaction. Against another change at the same time exactly one wins.

    Args:
        order_id: which order.
        who: staff:<id>.
        reason: for people.
        restock: whether its goods come back and are put on sale again.

    Raises:
        StateConflict: it is not paid, or somebody has changed it just now.
    """
    with transaction.atomic(durable=True):
        order = change_from(order_id, _REFUNDABLE, OrderStatus.REFUNDED, who=who, why=reason)
        payment = owe_back(order)
        publish(
            events.OrderRefunded(
                order_id=order.id,
                user_id=order.user_id,
                payment_id=payment.id,
                total=payment.amount,
                currency=payment.currency,
                reason=reason,
                restock=restock,
            ),
            subject=str(order.id),
        )
    log.info("order_refunded", order_id=str(order_id))


def owe_back(order: Order) -> Payment:
    """Let the money that paid an order go back; return its payment. Needs a transaction.

    The order's row is locked, by the change of its status. Where the provider has given the money
    back by itself, nothing is owed any more.
    """
    paid = Payment.objects.filter(order=order, status=PaymentStatus.SUCCEEDED)
    payment = paid.first() or _latest_refunded(order)
    paid.update(status=PaymentStatus.REFUNDING, refund_after=timezone.now())
    return payment


def _latest_refunded(order: Order) -> Payment:
    return Payment.objects.filter(order=order, status=PaymentStatus.REFUNDED).latest("refunded_at")


def refund_payments(*, now: datetime) -> int:
    """Ask the provider to give back the money that is owed at `now`; return how often it has.

    Idempotent; safe beside others. A provider that was asked and has not answered is asked again:
    it gives the money of a payment back once.
    """
    refunded = 0
    for payment in _DUE.due(now):
        with idempotency.resumed(payment_id=payment.id):
            try:
                reference = payments.provider(payment.provider).refund(request_of(payment, now=now))
            except OutcomeUnknown as error:
                log.warning("refund_unknown", payment_id=str(payment.id), reason=str(error))
                continue
            if reference is not None:
                refunded += mark_refunded(payment, reference)
    return refunded


def mark_refunded(payment: Payment, reference: str) -> bool:
    """Note that the provider has given back what is owed; return whether that was new. Idempotent."""
    owed = Payment.objects.filter(id=payment.id, status=PaymentStatus.REFUNDING)
    new = owed.update(
        status=PaymentStatus.REFUNDED,
        refund_after=None,
        refund_reference=reference,
        refunded_at=timezone.now(),
    )
    if new:
        counting.payment_became(PaymentStatus.REFUNDED)
        log.info("payment_refunded", payment_id=str(payment.id))
    return bool(new)
