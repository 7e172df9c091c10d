"""The order service as a Django app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Names the app."""

    name = "apps.order_service"
    label = "orders"
