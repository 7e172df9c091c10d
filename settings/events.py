"""Every event of the platform and the one service that publishes it; a service starts with no other."""

from collections.abc import Mapping
from typing import Final

PUBLISHERS: Final[Mapping[str, str]] = {
    "user.registered": "auth",
    "user.updated": "auth",
    "user.role_changed": "auth",
    "user.deactivated": "auth",
    "user.password_reset_requested": "auth",
    "user.registration_requested": "auth",
    "product.created": "catalog",
    "product.updated": "catalog",
    "product.price_changed": "catalog",
    "product.archived": "catalog",
    "stock.low": "catalog",
    "stock.depleted": "catalog",
    "order.placed": "order",
    "order.paid": "order",
    "order.cancelled": "order",
    "order.rejected": "order",
    "order.refunded": "order",
    "order.shipped": "order",
    "order.delivered": "order",
}
