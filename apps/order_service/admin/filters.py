"""What the lists of orders and payments can be narrowed to. Each is answered by an index."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps.order_service import selectors
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.models import Payment
from chassis.admin.paging import among_latest
from chassis.admin.theme import DropdownFilter, TextFilter

_LATEST: Final = 50_000
"""Rows in which a status is looked for that no index knows of."""


class OrderStatusFilter(DropdownFilter):
    """Where an order stands."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [(status.value, status.value.capitalize()) for status in OrderStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the orders chosen."""
        return queryset.filter(status=self.value()) if self.value() else queryset


class OrderPaymentFilter(DropdownFilter):
    """How an order's payments stand."""

    title = "payment"
    parameter_name = "payment"
    conditions: ClassVar = {
        "open": ("Without an outcome", Q(status__in=states.OPEN_PAYMENT)),
        "refunding": ("Refund under way", Q(status=PaymentStatus.REFUNDING)),
        "refunded": ("Refunded", Q(status=PaymentStatus.REFUNDED)),
        "declined": ("Declined at least once", Q(status=PaymentStatus.DECLINED)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the orders chosen; indexes know the payments without an outcome and the refunds."""
        if self.value() not in self.conditions:
            return queryset
        _, condition = self.conditions[str(self.value())]
        payments = Payment.objects.filter(condition)
        if self.value() in {"declined", "refunded"}:
            payments = among_latest(payments, _LATEST)
        return queryset.filter(pk__in=payments.values("order"))


class PaymentStatusFilter(DropdownFilter):
    """Where a payment stands."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the choices."""
        return [
            ("open", "Without an outcome"),
            *((status.value, status.value.capitalize()) for status in PaymentStatus),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the payments chosen; what no index knows, of the latest 50,000."""
        status = self.value()
        if status == "open":
            return queryset.filter(status__in=states.OPEN_PAYMENT)
        if status == PaymentStatus.REFUNDING:
            return queryset.filter(status=PaymentStatus.REFUNDING)
        if status in states.OPEN_PAYMENT:
            # The first condition is the index's own.
            return queryset.filter(status__in=states.OPEN_PAYMENT).filter(status=status)
        return among_latest(queryset, _LATEST).filter(status=status) if status else queryset


class SkuFilter(TextFilter):
    """Orders of a product."""

    title = "SKU"
    parameter_name = "sku"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        """Return nothing to choose: a sku is typed."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the orders that ask for it, placed or not."""
        sku = (self.value() or "").strip()
        if not sku:
            return queryset
        return queryset.filter(selectors.asks_for(sku))
