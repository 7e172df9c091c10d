"""Messages of the payment provider. Each is taken once, and has its effect once."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.order_service import payments
from apps.order_service.domain import states
from apps.order_service.domain.states import PaymentStatus
from apps.order_service.errors import PaymentDeclined, PaymentMismatch, WebhookReplayed
from apps.order_service.models import Payment, WebhookMessage
from apps.order_service.payments import MessageType, Outcome
from apps.order_service.services import idempotency, paying
from chassis import audit, context
from chassis.errors import NotFound
from chassis.models import AuditEntry

_MISMATCH: Final = "payment.mismatch"
_WHO: Final = f"provider:{payments.WEBHOOK}"

# Of the same message twice at once the second waits here, and finds what the first has left.
_REMEMBER: Final = """
INSERT INTO webhook_message AS known
    (id, type, payment_id, sent_at, received_at, times, effect, request_id)
VALUES (%(id)s, %(type)s, %(payment)s, %(sent_at)s, %(now)s, 1, '', %(request)s)
ON CONFLICT (id) DO UPDATE SET sent_at = excluded.sent_at, times = known.times + 1
WHERE known.sent_at < excluded.sent_at
  AND (known.type, known.payment_id) = (excluded.type, excluded.payment_id)
RETURNING times, effect
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the payment provider says of one payment; `sent_at` is the time that it has signed."""

    id: str
    sent_at: datetime
    type: MessageType
    payment_id: UUID
    amount: Decimal
    currency: str
    reference: str
    reason: str = ""


def take_message(message: Message) -> str:
    """Act on a message whose signature was verified, and return what came of it.

    Opens its own transaction. The same message sent anew, with a later time, does nothing and gets
    the same answer. What is refused is not remembered: sent anew, it is looked at again.

    Raises:
        NotFound: the provider has no such payment, or it has told of it before we have it.
        WebhookReplayed: the message came before, with the same time or a later one.
        PaymentMismatch: the amount or the currency is not the payment's; the audit log tells staff.
    """
    try:
        effect = _take_once(message)
    except PaymentMismatch:
        _tell_staff_of_mismatch(message)
        raise
    log.info(
        "webhook_message", type=message.type, payment_id=str(message.payment_id), effect=effect
    )
    return effect


def _take_once(message: Message) -> str:
    with transaction.atomic(durable=True):
        payment = Payment.objects.filter(id=message.payment_id, provider=payments.WEBHOOK).first()
        if payment is None:
            raise NotFound("There is no such payment")
        effect = _remember(message)
        if not effect:
            effect = _act(payment, message)
            WebhookMessage.objects.filter(id=message.id).update(effect=effect)
    return effect


def _tell_staff_of_mismatch(message: Message) -> None:
    """Write it to the audit log, once per message: its provider may go on sending it."""
    told = AuditEntry.objects.filter(
        target_type="payment",
        target_id=message.payment_id,
        action=_MISMATCH,
        details__message_id=message.id,
    )
    with transaction.atomic(durable=True):
        if told.exists():
            return
        audit.record(
            _MISMATCH,
            target_type="payment",
            target_id=message.payment_id,
            actor_id=None,
            message_id=message.id,
            message=message.type,
            told=f"{message.amount} {message.currency}",
            reference=message.reference,
        )


def _remember(message: Message) -> str:
    """Write the message down; return what came of it before, empty if it is new."""
    values: dict[str, Any] = {
        "id": message.id,
        "type": message.type,
        "payment": message.payment_id,
        "sent_at": message.sent_at,
        "now": timezone.now(),
        "request": context.current().request_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, values)
        row = cursor.fetchone()
    if row is None:
        raise WebhookReplayed
    effect: str = row[1]
    return effect


def _act(payment: Payment, message: Message) -> str:
    if message.type is MessageType.REFUNDED:
        return _note_refund(payment, message)
    outcome = Outcome(
        succeeded=message.type is MessageType.SUCCEEDED,
        reference=message.reference,
        amount=message.amount,
        currency=message.currency,
        reason=message.reason,
    )
    return paying.conclude(payment, outcome, who=_WHO)


def _note_refund(payment: Payment, message: Message) -> str:
    """Note that the provider has given all the money back, asked for it or not.

    An order that was paid by it stays as it is: what becomes of it is for staff to decide.
    """
    order = paying.lock_order(payment)
    payment.refresh_from_db()
    paying.require_same_money(message.amount, message.currency, payment, order)
    if payment.status == PaymentStatus.REFUNDED:
        return f"nothing: the payment was {payment.status} before"
    if payment.status != PaymentStatus.REFUNDING:
        log.warning("payment_refunded_unasked", payment_id=str(payment.id), status=payment.status)
    now = timezone.now()
    Payment.objects.filter(id=payment.id).update(
        status=PaymentStatus.REFUNDED,
        settle_after=None,
        settled_at=payment.settled_at or now,
        refund_after=None,
        refund_reference=message.reference,
        refunded_at=now,
    )
    if payment.status in states.OPEN_PAYMENT:
        paying.free_order(order, payment)
        reason = "The payment provider gave the money back"
        idempotency.finish(PaymentDeclined(reason, payment_id=payment.id), payment_id=payment.id)
    return f"the payment is {PaymentStatus.REFUNDED}"
