"""What a process counts of orders and payments, once it is committed (chassis.metrics tells it)."""

from typing import Final

from django.db import transaction
from prometheus_client import Counter

from apps.order_service.domain.states import OrderStatus, PaymentStatus

_ORDERS: Final = Counter("souk_orders", "Orders that came to a status.", ["status"])
_PAYMENTS: Final = Counter("souk_payments", "Payments that came to a status.", ["status"])


def order_became(status: OrderStatus) -> None:
    """Count an order that comes to a status, if the transaction commits."""
    transaction.on_commit(_ORDERS.labels(status.value).inc)


def payment_became(status: PaymentStatus) -> None:
    """Count a payment that comes to a status, if the transaction commits."""
    transaction.on_commit(_PAYMENTS.labels(status.value).inc)
