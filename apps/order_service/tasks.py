"""Timed jobs, what is deleted when its time is over (the active relay runs them), and what the audit and an operator are told."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from apps.order_service import services
from apps.order_service.selectors import audited, figures
from chassis import audit_export, jobs, metrics, retention

metrics.tell_figures(figures.HELP, figures.read)


@jobs.every(1, name="order.recover_orders")
def recover_orders() -> None:
    services.recover_orders(now=timezone.now())


@jobs.every(1, name="order.settle_payments")
def settle_payments() -> None:
    services.settle_payments(now=timezone.now())


@jobs.every(1, name="order.refund_payments")
def refund_payments() -> None:
    services.refund_payments(now=timezone.now())


@jobs.every(1, name="order.cancel_expired_orders")
def cancel_expired_orders() -> None:
    services.cancel_expired_orders(now=timezone.now())


@retention.rule("answers")
def delete_old_answers(now: datetime) -> int:
    return services.delete_old_answers(now=now)


@retention.rule("carts")
def delete_old_carts(now: datetime) -> int:
    return services.delete_old_carts(now=now)


@audit_export.part("orders")
def tell_orders() -> Iterator[str]:
    """Yield every order with its payments, for the audit."""
    return audited.orders()
