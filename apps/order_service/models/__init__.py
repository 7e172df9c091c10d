"""What the order service keeps."""

from apps.order_service.models.carts import CartItem, KnownProduct
from apps.order_service.models.customers import Customer
from apps.order_service.models.orders import Order, OrderCall, OrderHistory, OrderLine
from apps.order_service.models.payments import Payment, SandboxCharge, WebhookMessage
from apps.order_service.models.requests import IdempotencyRecord

__all__ = [
    "CartItem",
    "Customer",
    "IdempotencyRecord",
    "KnownProduct",
    "Order",
    "OrderCall",
    "OrderHistory",
    "OrderLine",
    "Payment",
    "SandboxCharge",
    "WebhookMessage",
]
