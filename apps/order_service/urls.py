"""Routes of the order service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.order_service import admin
from apps.order_service.api import carts, export, fulfilment, orders, payments, timeline, webhook
from chassis import urls

urlpatterns = [
    *urls.urlpatterns,
    path("api/v1/cart", carts.CartView.as_view()),
    path("api/v1/cart/checkout", carts.CheckoutView.as_view()),
    path("api/v1/cart/items/<path:sku>", carts.CartItemView.as_view()),
    path("api/v1/orders", orders.OrdersView.as_view()),
    path("api/v1/orders/export", export.OrderExportView.as_view()),
    path("api/v1/orders/<uuid:order_id>", orders.OrderView.as_view()),
    path("api/v1/orders/<uuid:order_id>/timeline", timeline.OrderTimelineView.as_view()),
    path("api/v1/orders/<uuid:order_id>/cancel", fulfilment.OrderCancelView.as_view()),
    path("api/v1/orders/<uuid:order_id>/ship", fulfilment.OrderShipView.as_view()),
    path("api/v1/orders/<uuid:order_id>/deliver", fulfilment.OrderDeliverView.as_view()),
    path("api/v1/orders/<uuid:order_id>/refund", fulfilment.OrderRefundView.as_view()),
    path("api/v1/orders/<uuid:order_id>/payments", payments.OrderPaymentsView.as_view()),
    path("api/v1/orders/payments/webhook", webhook.PaymentWebhookView.as_view()),
    path("admin/orders", RedirectView.as_view(url="/admin/orders/")),
    path("admin/orders/", admin.site.urls),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
