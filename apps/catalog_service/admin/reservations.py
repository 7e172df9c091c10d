"""Reservations: what is promised to orders. Order decides about them, so nothing here is changed."""

from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.catalog_service.admin.filters import ReservationStatusFilter
from apps.catalog_service.admin.links import RESERVATION_COLOURS
from apps.catalog_service.admin.stock import movements_shown
from apps.catalog_service.models import (
    Reservation,
    ReservationLine,
    ReservationStatus,
    StockMovement,
)
from apps.catalog_service.services.alerts import OLD_RESERVATION
from chassis.admin.display import order_page_link, short_id, when, whole_time
from chassis.admin.filters import as_uuid
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.theme import display


class ReservationAdmin(ReadOnlyAdmin):
    """What each order was promised, and what became of it."""

    list_display = ("order", "status_", "made", "deadline", "lines_", "pieces")
    list_filter = (ReservationStatusFilter,)
    search_fields = ("order_id",)
    search_help_text = "Whole id of an order"
    fields = ("order_whole", "status_", "made_whole", "deadline_whole", "closed")
    readonly_fields = fields
    change_form_outer_after_template = "catalog/admin/reservation.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the reservations with the numbers of their lines and pieces, in one query."""
        lines = ReservationLine.objects.filter(reservation=OuterRef("pk")).order_by()
        of_one = lines.values("reservation")
        return (
            super()
            .get_queryset(request)
            .annotate(
                line_count=_of_lines(of_one.annotate(n=Count("pk"))),
                piece_count=_of_lines(of_one.annotate(n=Sum("quantity"))),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the reservation of an order."""
        term = search_term.strip()
        if not term:
            return queryset, False
        order_id = as_uuid(term)
        return (queryset.none() if order_id is None else queryset.filter(pk=order_id)), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a reservation with its lines, and what it moved."""
        order_id = as_uuid(object_id)
        shown: dict[str, Any] = {}
        if order_id is not None:
            of_order = StockMovement.objects.filter(order_id=order_id)
            shown["lines"] = ReservationLine.objects.filter(reservation=order_id).order_by(
                "position"
            )
            rows = of_order.select_related("product").order_by("id")
            shown["movements"] = movements_shown(rows)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    @display(description="Order")
    def order(self, obj: Reservation) -> str:
        """Return the order's id, shortened."""
        return short_id(obj.order_id)

    @display(description="Order")
    def order_whole(self, obj: Reservation) -> str:
        """Return the order's id, with a link to it."""
        return order_page_link(obj.order_id)

    @display(description="Status", label=RESERVATION_COLOURS)
    def status_(self, obj: Reservation) -> str:
        """Return what became of it; one that is open for too long is called so."""
        return "old" if is_old(obj, timezone.now()) else obj.status

    @display(description="Made")
    def made(self, obj: Reservation) -> str:
        """Return how long ago it was made."""
        return when(obj.created_at)

    @display(description="Deadline of the order")
    def deadline(self, obj: Reservation) -> str:
        """Return until when order takes a payment."""
        return when(obj.expires_at) if obj.status == ReservationStatus.RESERVED else ""

    @display(description="Lines")
    def lines_(self, obj: Any) -> str:
        """Return how many products it is of; none at all is a tombstone against a late order."""
        return str(obj.line_count)

    @display(description="Pieces")
    def pieces(self, obj: Any) -> str:
        """Return how many pieces it is of."""
        return f"{obj.piece_count:,}"

    @display(description="Made")
    def made_whole(self, obj: Reservation) -> str:
        """Return when it was made."""
        return whole_time(obj.created_at)

    @display(description="Deadline of the order")
    def deadline_whole(self, obj: Reservation) -> str:
        """Return until when order takes a payment."""
        return whole_time(obj.expires_at)

    @display(description="Closed")
    def closed(self, obj: Reservation) -> str:
        """Return when it was committed, released or returned."""
        return whole_time(obj.closed_at) if obj.closed_at else ""


def is_old(reservation: Reservation, now: datetime) -> bool:
    """Tell whether a reservation is open for longer than any order's deadline."""
    is_open = reservation.status == ReservationStatus.RESERVED
    return is_open and now - reservation.created_at >= OLD_RESERVATION


def _of_lines(numbers: Any) -> Coalesce:
    return Coalesce(Subquery(numbers.values("n"), output_field=IntegerField()), 0)
