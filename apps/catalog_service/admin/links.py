"""The ways from one page to another, and how what they lead to is called."""

from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html

from chassis.admin.display import short_id

STATUS_COLOURS = {"draft": "warning", "active": "success", "archived": ""}
MOVEMENT_COLOURS = {
    "initial": "",
    "adjusted": "primary",
    "reserved": "info",
    "released": "",
    "committed": "success",
    "returned": "warning",
}
RESERVATION_COLOURS = {
    "reserved": "info",
    "old": "danger",
    "committed": "success",
    "released": "",
    "returned": "warning",
}


def list_url(model: str, **parameters: str) -> str:
    """Return the address of a list of this service, narrowed by its parameters."""
    url = reverse(f"admin:catalog_{model}_changelist")
    return f"{url}?{urlencode(parameters)}" if parameters else url


def product_url(product_id: object) -> str:
    """Return the address of a product's page."""
    return reverse("admin:catalog_product_change", args=[product_id])


def product_link(product_id: object, sku: str, name: str = "") -> str:
    """Return a link to a product, called by its sku, its name on hover."""
    return format_html(
        '<a class="souk-link" href="{}" title="{}">{}</a>', product_url(product_id), name, sku
    )


def order_link(order_id: UUID | None) -> str:
    """Return a link to an order's reservation, nothing where there is no order."""
    if order_id is None:
        return ""
    url = reverse("admin:catalog_reservation_change", args=[order_id])
    return format_html('<a class="souk-link" href="{}">{}</a>', url, short_id(order_id))


def signed(number: int) -> str:
    """Return a change of a number: with its sign, and nothing for none."""
    return f"{number:+,}" if number else ""
