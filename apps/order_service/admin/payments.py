"""Payments and what providers told of them. Nothing here is changed: jobs and messages do that."""

from typing import Any, Final

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.order_service.admin.filters import PaymentStatusFilter
from apps.order_service.admin.links import PAYMENT_COLOURS, order_link, payment_link
from apps.order_service.domain import states
from apps.order_service.domain.numbers import read_number
from apps.order_service.domain.states import PaymentStatus
from apps.order_service.models import Order, Payment, WebhookMessage
from chassis.admin.display import code, money, short_id, when, whole_time
from chassis.admin.filters import DayRangeFilter, MadeRangeFilter, as_uuid
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.theme import display

_SHOWN: Final = 50


class PaymentAdmin(ReadOnlyAdmin):
    """Each attempt to pay, and what became of it."""

    list_display = ("payment_", "status_", "order_", "amount_", "method_", "made", "waits_for")
    list_filter = (PaymentStatusFilter, ("created_at", MadeRangeFilter))
    search_fields = ("id",)
    search_help_text = "A payment's whole id, or an order's number or whole id"
    fields = (
        *("id_", "status_", "waits_for", "order_", "amount_", "method_", "made_whole"),
        *("settled", "reference", "refunded", "refund"),
    )
    readonly_fields = fields
    change_form_outer_after_template = "orders/admin/payment.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the payments; a page fetches its orders' numbers in one query."""
        numbers = Prefetch("order", Order.objects.only("number"))
        return super().get_queryset(request).prefetch_related(numbers)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the payment of an id, or those of an order."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if (known_id := as_uuid(term)) is not None:
            return queryset.filter(Q(pk=known_id) | Q(order=known_id)), False
        of_number = Order.objects.filter(number=read_number(term) or "")
        return queryset.filter(order=of_number.values("pk")[:1]), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a payment, and what its provider told of it."""
        payment_id = as_uuid(object_id)
        shown: dict[str, Any] = {}
        if payment_id is not None:
            told = WebhookMessage.objects.filter(payment=payment_id)
            shown["told"] = told.order_by("-received_at")[:_SHOWN]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    @display(description="Payment")
    def payment_(self, obj: Payment) -> str:
        """Return the id, shortened."""
        return short_id(obj.pk)

    @display(description="Payment")
    def id_(self, obj: Payment) -> str:
        """Return the id."""
        return code(obj.pk)

    @display(description="Status", label=PAYMENT_COLOURS)
    def status_(self, obj: Payment) -> str:
        """Return the status."""
        return obj.status

    @display(description="Order")
    def order_(self, obj: Payment) -> str:
        """Return the order's number, with a link."""
        return order_link(obj.order)

    @display(description="Amount")
    def amount_(self, obj: Payment) -> str:
        """Return amount and currency."""
        return money(obj.amount, obj.currency)

    @display(description="Method")
    def method_(self, obj: Payment) -> str:
        """Return how it was paid and who takes the money."""
        return obj.method if obj.method == obj.provider else f"{obj.method}, by {obj.provider}"

    @display(description="Made")
    def made(self, obj: Payment) -> str:
        """Return how long ago it was made."""
        return when(obj.created_at)

    @display(description="Made")
    def made_whole(self, obj: Payment) -> str:
        """Return when it was made."""
        return whole_time(obj.created_at)

    @display(description="Waits for")
    def waits_for(self, obj: Payment) -> str:
        """Return what comes next; nothing where its outcome is known."""
        if obj.status in states.OPEN_PAYMENT:
            return "its outcome"
        return "the refund" if obj.status == PaymentStatus.REFUNDING else ""

    @display(description="Settled")
    def settled(self, obj: Payment) -> str:
        """Return when its outcome was known."""
        return whole_time(obj.settled_at) if obj.settled_at else ""

    @display(description="Provider's reference")
    def reference(self, obj: Payment) -> str:
        """Return what the provider calls it."""
        return code(obj.provider_reference)

    @display(description="Refunded")
    def refunded(self, obj: Payment) -> str:
        """Return when the money went back."""
        return whole_time(obj.refunded_at) if obj.refunded_at else ""

    @display(description="Reference of the refund")
    def refund(self, obj: Payment) -> str:
        """Return what the provider calls the refund."""
        return code(obj.refund_reference)


class WebhookMessageAdmin(ReadOnlyAdmin):
    """What payment providers told, and what it did."""

    list_display = ("type_", "payment_", "effect", "received", "times")
    list_filter = (("received_at", DayRangeFilter),)
    ordering = ("-received_at",)
    search_fields = ("id",)
    search_help_text = "A message's or a payment's whole id"
    fields = (
        *("id", "type", "payment_", "effect", "sent", "received_whole", "times", "request_id"),
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the message of an id, or those about a payment."""
        term = search_term.strip()
        if not term:
            return queryset, False
        condition = Q(pk=term)
        if (payment_id := as_uuid(term)) is not None:
            condition |= Q(payment=payment_id)
        return queryset.filter(condition), False

    @display(description="Type")
    def type_(self, obj: WebhookMessage) -> str:
        """Return what it tells."""
        return obj.type

    @display(description="Payment")
    def payment_(self, obj: WebhookMessage) -> str:
        """Return the payment that it is about, with a link."""
        return payment_link(obj.payment_id)

    @display(description="Received")
    def received(self, obj: WebhookMessage) -> str:
        """Return how long ago it came first."""
        return when(obj.received_at)

    @display(description="First received")
    def received_whole(self, obj: WebhookMessage) -> str:
        """Return when it came first."""
        return whole_time(obj.received_at)

    @display(description="Last signed")
    def sent(self, obj: WebhookMessage) -> str:
        """Return the time in the signature that came last."""
        return whole_time(obj.sent_at)
