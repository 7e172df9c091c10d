"""Writes: one function per use case."""

from apps.order_service.services.beginning import Draft
from apps.order_service.services.cancelling import (
    cancel_expired_orders,
    cancel_order,
    cancel_unpaid_orders,
)
from apps.order_service.services.carts import clear_cart, put_item, remove_item, show_cart
from apps.order_service.services.customers import remember_customer
from apps.order_service.services.forgetting import delete_old_answers, delete_old_carts
from apps.order_service.services.fulfilling import deliver_order, ship_order
from apps.order_service.services.idempotency import Answer, Call
from apps.order_service.services.mail import mail_customer
from apps.order_service.services.paying import pay_order, settle_payments
from apps.order_service.services.placing import place_order
from apps.order_service.services.products import learn_product
from apps.order_service.services.recovery import recover_orders
from apps.order_service.services.refunding import refund_order, refund_payments
from apps.order_service.services.webhooks import Message, take_message

__all__ = [
    "Answer",
    "Call",
    "Draft",
    "Message",
    "cancel_expired_orders",
    "cancel_order",
    "cancel_unpaid_orders",
    "clear_cart",
    "delete_old_answers",
    "delete_old_carts",
    "deliver_order",
    "learn_product",
    "mail_customer",
    "pay_order",
    "place_order",
    "put_item",
    "recover_orders",
    "refund_order",
    "refund_payments",
    "remember_customer",
    "remove_item",
    "settle_payments",
    "ship_order",
    "show_cart",
    "take_message",
]
