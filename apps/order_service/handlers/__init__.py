"""What order does when something happened elsewhere, or here."""

from apps.order_service.handlers import mail, products, users

__all__ = ["mail", "products", "users"]
