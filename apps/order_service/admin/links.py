"""The ways from one page to another, and how what they lead to is called and coloured."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html

from apps.order_service.models import Order
from chassis.admin.display import code, short_id

STATUS_COLOURS = {
    "pending": "warning",
    "placed": "info",
    "paid": "primary",
    "shipped": "success",
    "delivered": "success",
    "rejected": "",
    "cancelled": "",
    "refunded": "",
}
PAYMENT_COLOURS = {
    "pending": "info",
    "unknown": "danger",
    "succeeded": "success",
    "declined": "",
    "refunding": "warning",
    "refunded": "",
}


def list_url(model: str, **parameters: str) -> str:
    """Return the address of a list of this service, narrowed by its parameters."""
    url = reverse(f"admin:orders_{model}_changelist")
    return f"{url}?{urlencode(parameters)}" if parameters else url


def order_url(order_id: object) -> str:
    """Return the address of an order's page."""
    return reverse("admin:orders_order_change", args=[order_id])


def order_link(order: Order) -> str:
    """Return a link to an order, called by its number."""
    return format_html('<a class="souk-link" href="{}">{}</a>', order_url(order.pk), order.number)


def payment_link(payment_id: object) -> str:
    """Return a link to a payment."""
    url = reverse("admin:orders_payment_change", args=[payment_id])
    return format_html('<a class="souk-link" href="{}">{}</a>', url, short_id(payment_id))


def product_link(sku: str) -> str:
    """Return a sku with a link to the product in the catalog's admin, which finds it."""
    url = f"{settings.ADMIN_PATHS['catalog']}catalog/product/?{urlencode({'q': sku})}"
    return format_html('<a class="souk-link" href="{}">{}</a>', url, code(sku))


def reservation_url(order_id: object) -> str:
    """Return the address of what the catalog keeps for an order."""
    return f"{settings.ADMIN_PATHS['catalog']}catalog/reservation/{order_id}/change/"
