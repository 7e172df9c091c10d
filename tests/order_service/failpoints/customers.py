"""Customers who ask until they get an answer, and what their asking came to."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from apps.order_service import services
from apps.order_service.models import Order, OrderHistory, Payment, SandboxCharge
from apps.order_service.services import Answer
from chassis.ids import uuid7
from chassis.models import OutboxEvent
from tests.order_service.factories import ORDERS, call, draft

STAFF: Final = f"staff:{uuid7()}"


@dataclass(frozen=True, slots=True)
class Customer:
    """One who orders once, and pays once, however often they must ask."""

    user_id: UUID = field(default_factory=uuid7)

    def place(self, *lines: tuple[str, int], key: str = "order", **changes: Any) -> Answer:
        """Order, under the same key each time."""
        return services.place_order(
            call=call(self.user_id, key=key), draft=draft(self.user_id, *lines, **changes)
        )

    def pay(
        self, token: str = "tok_ok", *, key: str = "payment", method: str = "sandbox"
    ) -> Answer:
        """Pay the one order, under the same key each time."""
        order = self.order()
        return services.pay_order(
            call=call(self.user_id, key=key, path=f"{ORDERS}/{order.id}/payments"),
            order_id=order.id,
            method=method,
            token=token,
        )

    def order(self) -> Order:
        """Return the one order there is."""
        return Order.objects.get(user_id=self.user_id)

    def charges(self) -> int:
        """Return how often money was taken."""
        payments = Payment.objects.filter(order__user_id=self.user_id).values("id")
        return SandboxCharge.objects.filter(payment_id__in=payments, succeeded=True).count()


def later(**span: float) -> datetime:
    """Return the time in a minute, or in what is given."""
    return timezone.now() + timedelta(**(span or {"minutes": 1}))


def published(order: Order) -> list[str]:
    """Return the events of an order."""
    rows = OutboxEvent.objects.filter(subject=str(order.id)).order_by("sequence")
    return list(rows.values_list("type", flat=True))


def history(order: Order) -> list[str]:
    """Return the statuses that an order came to."""
    rows = OrderHistory.objects.filter(order=order).order_by("id")
    return list(rows.values_list("to_status", flat=True))
