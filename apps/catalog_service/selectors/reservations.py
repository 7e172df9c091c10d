"""Reservations."""

from typing import Any
from uuid import UUID

from apps.catalog_service.models import Reservation
from chassis.errors import NotFound


def find_reservation(order_id: UUID) -> Reservation:
    """Return a reservation with its lines.

    Raises:
        NotFound: there is none of this order.
    """
    found = Reservation.objects.prefetch_related("lines").filter(order_id=order_id).first()
    if found is None:
        raise NotFound("There is no reservation of this order")
    return found


def reservation_view(reservation: Reservation) -> dict[str, Any]:
    """Return a reservation as the internal API shows it, lines in the order they were asked for."""
    lines = sorted(reservation.lines.all(), key=lambda line: line.position)
    return {
        "order_id": reservation.order_id,
        "expires_at": reservation.expires_at,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "currency": line.currency,
            }
            for line in lines
        ],
    }
