"""Reads: what happened to an order, from all that was written about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet

from apps.order_service.domain.states import PaymentStatus
from apps.order_service.models import (
    IdempotencyRecord,
    Order,
    OrderCall,
    OrderHistory,
    Payment,
    WebhookMessage,
)
from chassis.models import InboxEvent, OutboxEvent

MOST_OF_A_KIND: Final = 100
"""Entries are made of at most so many rows of a table, the latest: a payment may be tried for ever."""

_USER: Final = "user:"
_TOLD_WHY: Final = (_USER, "job:")
"""Whose reasons a customer may read: one's own, and the fixed words of a job."""
_US: Final = "order"
"""This service, among those that do something."""


class EntryKind(StrEnum):
    """Where an entry of a timeline comes from."""

    STATUS = "status"
    CALL = "call"
    PAYMENT = "payment"
    MESSAGE = "message"
    EVENT = "event"


_RANK: Final = {kind: rank for rank, kind in enumerate(EntryKind)}
"""What is told first of what happened at the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to an order.

    `what` is a status, `catalog.reserve`, an event's type, what became of a payment, or the type of
    a provider's message. `who` did it: user:<id>, staff:<id>, job:<name>, a service, or a handler of
    the event. `request_id` is empty where it is not known any more.
    """

    at: datetime
    kind: EntryKind
    what: str
    who: str
    detail: str
    request_id: str


def timeline(order: Order, *, for_staff: bool) -> list[TimelineEntry]:
    """Return what happened to an order, oldest first; as many queries whatever it is.

    Events are told as long as they are kept (OUTBOX_RETENTION_DAYS), the request of a payment as
    long as its answer.

    Args:
        order: which one.
        for_staff: tell who of staff did what and why, how calls and handlers fared, and the
            provider's messages and references. A customer is told "customer" and "the shop".
    """
    entries = [
        *_statuses(order, for_staff=for_staff),
        *_calls(order, for_staff=for_staff),
        *_payments(order, for_staff=for_staff),
        *_events(order),
    ]
    if for_staff:
        entries += [*_handled(order), *_messages(order)]
    return sorted(entries, key=lambda entry: (entry.at, _RANK[entry.kind]))


def _latest(rows: QuerySet[Any], key: str) -> Iterable[Any]:
    return rows.order_by(f"-{key}")[:MOST_OF_A_KIND]


def _statuses(order: Order, *, for_staff: bool) -> Iterator[TimelineEntry]:
    for row in _latest(OrderHistory.objects.filter(order=order), "id"):
        yield TimelineEntry(
            at=row.at,
            kind=EntryKind.STATUS,
            what=row.to_status,
            who=row.who if for_staff else _role(row.who),
            # What people of the shop write of an order they write for themselves.
            detail=row.why if for_staff or row.who.startswith(_TOLD_WHY) else "",
            request_id=row.request_id,
        )


def _role(who: str) -> str:
    """Return what a customer is told of who did something."""
    return "customer" if who.startswith(_USER) else "the shop"


def _calls(order: Order, *, for_staff: bool) -> Iterator[TimelineEntry]:
    for row in _latest(OrderCall.objects.filter(order=order), "id"):
        again = f", {row.times} times until {row.last_at:%Y-%m-%d %H:%M:%S} UTC"
        fared = f", {row.milliseconds} ms{again if row.times > 1 else ''}"
        yield TimelineEntry(
            at=row.first_at,
            kind=EntryKind.CALL,
            what=f"{row.service}.{row.operation}",
            who=_US,
            detail=f"{row.outcome}{fared if for_staff else ''}",
            request_id=row.request_id,
        )


def _events(order: Order) -> Iterator[TimelineEntry]:
    for row in _latest(OutboxEvent.objects.filter(subject=str(order.id)), "sequence"):
        yield TimelineEntry(
            at=row.time,
            kind=EntryKind.EVENT,
            what=row.type,
            who=_US,
            detail="published" if row.published_at else "not published yet",
            request_id=row.request_id,
        )


def _handled(order: Order) -> Iterator[TimelineEntry]:
    """Yield what this service's own handlers did with the order's events."""
    for row in _latest(InboxEvent.objects.filter(subject=str(order.id)), "id"):
        yield TimelineEntry(
            at=row.handled_at or row.dead_at or row.received_at,
            kind=EntryKind.EVENT,
            what=row.type,
            who=row.consumer,
            detail=_fate(row),
            request_id=row.envelope.get("requestid", ""),
        )


def _fate(row: InboxEvent) -> str:
    if row.handled_at:
        return row.effect
    if row.dead_at:
        return f"given up after {row.attempts} attempts"
    return f"failed {row.attempts} times, to be tried again" if row.attempts else "received"


def _payments(order: Order, *, for_staff: bool) -> Iterator[TimelineEntry]:
    records = IdempotencyRecord.objects.filter(payment__order=order)
    asked_by = dict(_latest(records.values_list("payment_id", "request_id"), "payment_id"))
    for row in _latest(Payment.objects.filter(order=order), "id"):
        yield from _payment(row, asked_by.get(row.id, ""), for_staff=for_staff)


def _payment(payment: Payment, request_id: str, *, for_staff: bool) -> Iterator[TimelineEntry]:
    def with_reference(reference: str) -> str:
        return f"{begun.detail}, {reference}" if reference and for_staff else begun.detail

    begun = TimelineEntry(
        at=payment.created_at,
        kind=EntryKind.PAYMENT,
        what="begun",
        who=payment.method,
        detail=f"{payment.amount} {payment.currency}",
        request_id=request_id,
    )
    yield begun
    if payment.settled_at:
        declined = payment.status == PaymentStatus.DECLINED
        yield replace(
            begun,
            at=payment.settled_at,
            what="declined" if declined else "succeeded",
            detail=with_reference(payment.provider_reference),
        )
    if payment.refunded_at:
        detail = with_reference(payment.refund_reference)
        yield replace(begun, at=payment.refunded_at, what="refunded", detail=detail)


def _messages(order: Order) -> Iterator[TimelineEntry]:
    for row in _latest(WebhookMessage.objects.filter(payment__order=order), "received_at"):
        again = f", sent {row.times} times" if row.times > 1 else ""
        yield TimelineEntry(
            at=row.received_at,
            kind=EntryKind.MESSAGE,
            what=row.type,
            who="provider",
            detail=f"{row.effect}{again}",
            request_id=row.request_id,
        )
