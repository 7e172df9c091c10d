"""Shapes of requests and answers. Nothing is saved here."""

from apps.order_service.serializers.carts import (
    CartItemRequestSerializer,
    CartParameters,
    CartSerializer,
    CheckoutRequestSerializer,
)
from apps.order_service.serializers.filters import OrderFilterSerializer, read_filters
from apps.order_service.serializers.fulfilment import (
    CancelSerializer,
    NoteSerializer,
    RefundSerializer,
)
from apps.order_service.serializers.orders import (
    ORDER_STATUSES,
    AddressSerializer,
    OrderListSerializer,
    OrderRequestSerializer,
    OrderSerializer,
)
from apps.order_service.serializers.payments import (
    PAYMENT_STATUSES,
    PaymentRequestSerializer,
    PaymentSerializer,
    WebhookAnswerSerializer,
    WebhookSerializer,
    WebhookTypeSerializer,
)
from apps.order_service.serializers.timelines import (
    ENTRY_KINDS,
    TimelineEntrySerializer,
    TimelineSerializer,
)

__all__ = [
    "ENTRY_KINDS",
    "ORDER_STATUSES",
    "PAYMENT_STATUSES",
    "AddressSerializer",
    "CancelSerializer",
    "CartItemRequestSerializer",
    "CartParameters",
    "CartSerializer",
    "CheckoutRequestSerializer",
    "NoteSerializer",
    "OrderFilterSerializer",
    "OrderListSerializer",
    "OrderRequestSerializer",
    "OrderSerializer",
    "PaymentRequestSerializer",
    "PaymentSerializer",
    "RefundSerializer",
    "TimelineEntrySerializer",
    "TimelineSerializer",
    "WebhookAnswerSerializer",
    "WebhookSerializer",
    "WebhookTypeSerializer",
    "read_filters",
]
