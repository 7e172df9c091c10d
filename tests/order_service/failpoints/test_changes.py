"""Every death of what people and time do to an order: done once, or not at all."""

from collections.abc import Callable
from functools import partial

import pytest

from apps.order_service import services
from apps.order_service.errors import StateConflict
from apps.order_service.models import Payment
from chassis.models import AuditEntry
from tests.failpoints import kill_after_each_step
from tests.order_service.failpoints.customers import STAFF, history, later, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

CHANGES: dict[str, tuple[str, str, Callable[..., None]]] = {
    "cancel-placed": ("placed", "cancelled", partial(services.cancel_order, reason="no")),
    "cancel-paid": ("paid", "cancelled", partial(services.cancel_order, reason="no")),
    "ship": ("paid", "shipped", services.ship_order),
    "deliver": ("shipped", "delivered", services.deliver_order),
    "refund": ("shipped", "refunded", partial(services.refund_order, reason="broken")),
}


class TestChange:
    @pytest.mark.parametrize("name", CHANGES)
    def test_by_staff_has_its_effects_once(self, customer_with, name):
        before, after, change = CHANGES[name]

        def work(customer):
            change(order_id=customer.order().id, who=STAFF)

        def check(customer):
            if customer.order().status == before:  # died before the commit: asked again
                work(customer)
            with pytest.raises(StateConflict):
                work(customer)
            order = customer.order()
            assert order.status == after
            assert published(order).count(f"order.{after}") == 1
            assert history(order).count(after) == 1
            told = AuditEntry.objects.filter(target_id=str(order.id), action=f"order.{after}")
            assert told.count() == 1
            services.refund_payments(now=later())
            owed = after in {"cancelled", "refunded"} and before != "placed"
            statuses = Payment.objects.filter(order=order).values_list("status", flat=True)
            paid = [] if before == "placed" else ["refunded" if owed else "succeeded"]
            assert list(statuses) == paid

        kill_after_each_step(lambda: customer_with(before), work, check, at_least=5)

    def test_by_time_has_its_effects_once(self, customer_with):
        def check(customer):
            services.cancel_expired_orders(now=later(hours=1))
            order = customer.order()
            assert published(order) == ["order.placed", "order.cancelled"]
            assert history(order) == ["pending", "placed", "cancelled"]

        kill_after_each_step(
            lambda: customer_with("placed"),
            lambda _: services.cancel_expired_orders(now=later(hours=1)),
            check,
            at_least=5,
        )
