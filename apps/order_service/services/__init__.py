"""Writes: one function per use case."""

from apps.order_service.services.cancelling import cancel_expired_orders, cancel_order
from apps.order_service.services.customers import remember_customer
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.paying import pay_order, settle_payments
from apps.order_service.services.placing import Draft, place_order
from apps.order_service.services.recovery import recover_orders

__all__ = [
    "Answer",
    "Call",
    "Draft",
    "cancel_expired_orders",
    "cancel_order",
    "pay_order",
    "place_order",
    "recover_orders",
    "remember_customer",
    "settle_payments",
]
