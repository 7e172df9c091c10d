"""The admin of the order service."""

from typing import Final

from apps.order_service.admin.carts import CartItemAdmin
from apps.order_service.admin.orders import OrderAdmin
from apps.order_service.admin.overview import dashboard
from apps.order_service.admin.payments import PaymentAdmin, WebhookMessageAdmin
from apps.order_service.models import CartItem, Order, Payment, WebhookMessage
from chassis.admin.pages import add_common_pages
from chassis.admin.site import ServiceAdminSite

site: Final = ServiceAdminSite(dashboard=dashboard)
site.add_page(Order, OrderAdmin, section="Orders", icon="shopping_bag")
site.add_page(CartItem, CartItemAdmin, section="Orders", icon="shopping_cart")
site.add_page(Payment, PaymentAdmin, section="Payments", icon="payments")
site.add_page(WebhookMessage, WebhookMessageAdmin, section="Payments", icon="webhook")
add_common_pages(site)
