"""Timed jobs; the active relay runs them."""

from django.utils import timezone

from apps.order_service import services
from chassis import jobs


@jobs.every(1, name="order.recover_orders")
def recover_orders() -> None:
    services.recover_orders(now=timezone.now())


@jobs.every(1, name="order.settle_payments")
def settle_payments() -> None:
    services.settle_payments(now=timezone.now())


@jobs.every(1, name="order.cancel_expired_orders")
def cancel_expired_orders() -> None:
    services.cancel_expired_orders(now=timezone.now())
