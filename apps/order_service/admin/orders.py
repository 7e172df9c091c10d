"""Orders: found, looked at, and moved on by buttons. Nothing about one can be edited."""

from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.order_service import selectors
from apps.order_service.admin.customers import (
    CustomersChangeList,
    OfCustomersAdmin,
    customers_like,
)
from apps.order_service.admin.exporting import ExportingAdmin
from apps.order_service.admin.filters import (
    OrderPaymentFilter,
    OrderStatusFilter,
    SkuFilter,
)
from apps.order_service.admin.links import (
    PAYMENT_COLOURS,
    STATUS_COLOURS,
    list_url,
    product_link,
    reservation_url,
)
from apps.order_service.admin.order_actions import OrderActionsAdmin
from apps.order_service.domain import addresses
from apps.order_service.domain.numbers import read_number
from apps.order_service.domain.states import OrderStatus, PaymentStatus
from apps.order_service.models import Customer, KnownProduct, Order, Payment
from apps.order_service.selectors import LineView
from chassis.admin.display import age, money, when, whole_time
from chassis.admin.filters import MadeRangeFilter, as_uuid
from chassis.admin.paging import BoundedChangeList
from chassis.admin.theme import display
from chassis.models import InboxEvent, OutboxEvent

_SHOWN: Final = 50
_LONGEST_SEARCH: Final = 254
"""As long as an e-mail address may be."""


class OrdersChangeList(CustomersChangeList):
    """A list that knows of each order on the page whether its money goes back."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, and what its rows need besides, in one query each."""
        super().get_results(request)
        ids = [row.pk for row in self.result_list]
        refunds = Payment.objects.filter(status=PaymentStatus.REFUNDING, order__in=ids)
        refunding = set(refunds.values_list("order", flat=True))
        for row in self.result_list:
            row.is_refunding = row.pk in refunding


class OrderAdmin(ExportingAdmin, OrderActionsAdmin, OfCustomersAdmin):
    """What customers ordered, how far it is, and what happened on the way."""

    list_display = ("number_", "status_", "customer_", "goods", "total_", "made", "waits_for")
    list_filter = (
        OrderStatusFilter,
        OrderPaymentFilter,
        SkuFilter,
        ("created_at", MadeRangeFilter),
    )
    search_fields = ("number",)
    search_help_text = (
        "An order's number or whole id, a customer's id or the beginning of their e-mail address,"
        " or a whole SKU"
    )
    audit_type = "order"
    has_history = True
    actions = ("ship_selected", "deliver_selected", "cancel_selected")
    actions_list = ("export",)
    actions_detail = ("ship", "deliver", "cancel", "refund")

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        """Return how the rows of a list are fetched."""
        return OrdersChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the orders of a number, an id, a sku, a customer; each is found by an index."""
        term = search_term.strip()[:_LONGEST_SEARCH]
        if not term:
            return queryset, False
        # A sku may look like a number, an id or the beginning of an address.
        condition = selectors.asks_for(term)
        if (number := read_number(term)) is not None:
            condition |= Q(number=number)
        if (known_id := as_uuid(term)) is not None:
            condition |= Q(pk=known_id) | Q(user_id=known_id)
        elif customers := customers_like(term):
            condition |= Q(user_id__in=customers)
        return queryset.filter(condition), False

    @display(description="Number")
    def number_(self, obj: Order) -> str:
        """Return the number."""
        return format_html('<span class="souk-number">{}</span>', obj.number)

    @display(description="Status", label=STATUS_COLOURS)
    def status_(self, obj: Order) -> str:
        """Return the status."""
        return obj.status

    @display(description="Lines")
    def goods(self, obj: Order) -> str:
        """Return how many products, and how many pieces of them."""
        pieces = sum(line["quantity"] for line in obj.requested_lines)
        return format_html(
            '<span class="souk-number">{} ({} pcs)</span>', len(obj.requested_lines), f"{pieces:,}"
        )

    @display(description="Total")
    def total_(self, obj: Order) -> str:
        """Return the total and its currency."""
        return money(obj.total, obj.currency)

    @display(description="Made")
    def made(self, obj: Order) -> str:
        """Return how long ago it was made."""
        return when(obj.created_at)

    @display(description="Waits for")
    def waits_for(self, obj: Any) -> str:
        """Return what comes next."""
        return what_next(obj, is_refunding=obj.is_refunding)

    def label_of(self, row: Order) -> str:
        """Return number and total."""
        return f"{row.number}, {row.total:,.2f} {row.currency}" if row.total else row.number

    # An order's page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show an order with all that belongs to it; nothing can be typed here."""
        order_id = as_uuid(object_id)
        order = Order.objects.filter(pk=order_id).first() if order_id else None
        if order is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        payments = list(order.payments.order_by("-id")[:_SHOWN])
        refunding = any(one.status == PaymentStatus.REFUNDING for one in payments)
        subject = str(order.pk)
        return self.row_page(
            request,
            order,
            "orders/admin/order.html",
            title=order.number,
            order=order,
            colour=STATUS_COLOURS[order.status],
            waits_for=what_next(order, is_refunding=refunding),
            customer=Customer.objects.filter(pk=order.user_id).first(),
            lines=_lines(order),
            address=addresses.parcel_lines(order.shipping_address),
            times=_times(order),
            history=order.history.order_by("id"),
            payments=[(one, PAYMENT_COLOURS[one.status]) for one in payments],
            timeline=selectors.timeline(order, for_staff=True),
            calls=order.calls.order_by("first_at", "id")[:_SHOWN],
            published=OutboxEvent.objects.filter(subject=subject).order_by("sequence")[:_SHOWN],
            received=InboxEvent.objects.filter(subject=subject)
            .defer("envelope")
            .order_by("id")[:_SHOWN],
            reservation_url=reservation_url(order.pk),
            customer_url=list_url("order", q=str(order.user_id)),
            payments_url=list_url("payment", q=subject),
            catalog_inbox_url=f"{settings.ADMIN_PATHS['catalog']}chassis/inboxevent/?q={subject}",
        )


def what_next(order: Order, *, is_refunding: bool) -> str:
    """Return what an order waits for, for people; nothing where it is at its end."""
    if is_refunding:
        return "the refund"
    if order.status == OrderStatus.PENDING:
        return "an answer of the catalog"
    if order.status == OrderStatus.PLACED:
        if order.payment_in_flight:
            return "the payment's outcome"
        return _payment_within(order)
    return {OrderStatus.PAID: "shipping", OrderStatus.SHIPPED: "delivery"}.get(
        OrderStatus(order.status), ""
    )


def _payment_within(order: Order) -> SafeString | str:
    """Return that an order waits for payment, and for how long it still does."""
    if order.expires_at is None:
        return "payment"
    left = (order.expires_at - timezone.now()).total_seconds()
    # One element: on a phone the theme draws the parts of a cell apart.
    return format_html(
        '<span>payment, <time datetime="{}" title="{}">{}</time></span>',
        order.expires_at.isoformat(),
        whole_time(order.expires_at),
        f"{age(left)} left" if left > 0 else "its time is over",
    )


def _lines(order: Order) -> list[tuple[LineView, str, str]]:
    """Return the lines, what each is called, and a link to its product.

    What was never priced has no name of its own: it is called as the catalog last called it.
    """
    lines = selectors.view_order(order).lines
    unnamed = [line.sku for line in lines if line.name is None]
    known = KnownProduct.objects.filter(sku__in=unnamed).values_list("sku", "name")
    names = dict(known) if unnamed else {}
    return [
        (line, line.name or names.get(line.sku) or "", product_link(line.sku)) for line in lines
    ]


def _times(order: Order) -> list[tuple[str, Any]]:
    """Return what happened when, as words and times."""
    names = ("created", *(status.value for status in OrderStatus if status != OrderStatus.PENDING))
    times = ((name.capitalize(), getattr(order, f"{name}_at")) for name in names)
    return [(name, at) for name, at in times if at is not None]
