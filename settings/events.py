"""Every event of the platform and the one service that publishes it; a service starts with no other."""

from collections.abc import Mapping
from typing import Final

from settings.variables import SERVICES

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


def publishers(service: str, registered: Mapping[str, str] = PUBLISHERS) -> Mapping[str, str]:
    """Return who publishes each event, for the settings of a service.

    Raises:
        SystemExit: one of them is no service; one sentence, and the exit code is 1.
    """
    wrong = [f"{one} ({name})" for name, one in registered.items() if one not in SERVICES]
    if wrong:
        raise SystemExit(
            f"The {service} service cannot start: settings/events.py names publishers that are no "
            f"service: {', '.join(wrong)}."
        )
    return registered
