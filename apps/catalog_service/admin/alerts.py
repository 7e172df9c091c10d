"""Alerts: what staff should look at, and that they have."""

from dataclasses import replace
from typing import Any

from django.contrib.admin import action as list_action
from django.db.models import Case, OuterRef, QuerySet, Subquery, UUIDField, When
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse

from apps.catalog_service.admin.filters import OpenAlertFilter
from apps.catalog_service.admin.links import order_link, product_link
from apps.catalog_service.models import Alert, AlertKind, Product
from apps.catalog_service.services import alerts
from chassis.admin.asking import Question
from chassis.admin.display import changes, pretty_json, short_id, when, whole_time
from chassis.admin.filters import as_uuid
from chassis.admin.options import MOST_AT_ONCE, ReadOnlyAdmin, actor_id
from chassis.admin.theme import ChoicesDropdownFilter, action, display

_COLOURS = {
    AlertKind.STOCK_LOW.label: "warning",
    AlertKind.STOCK_DEPLETED.label: "danger",
    AlertKind.RESERVATION_OLD.label: "warning",
    AlertKind.LEDGER_MISMATCH.label: "danger",
}
_CLEAR = Question(
    title="Clear {}",
    text="It counts as seen to. Where its cause is still there, it may come again.",
    button="Clear",
    done="cleared",
)


class AlertAdmin(ReadOnlyAdmin):
    """What is wrong, since when, and with what."""

    list_display = ("kind_", "about", "details_", "raised", "state")
    list_filter = (OpenAlertFilter, ("kind", ChoicesDropdownFilter))
    search_fields = ("subject",)
    search_help_text = "Whole id of a product or an order"
    fields = ("kind_", "about", "subject", "raised_whole", "state", "whole")
    readonly_fields = fields
    audit_type = "alert"
    has_history = True
    actions = ("clear_selected",)
    actions_detail = ("clear",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the alerts, each with the sku of the product that it is about, in one query."""
        product_id = Case(
            When(kind=AlertKind.RESERVATION_OLD, then=None),
            default=Cast("subject", UUIDField()),
        )
        skus = Product.objects.filter(pk=OuterRef("product_id")).values("sku")
        rows = super().get_queryset(request).annotate(product_id=product_id)
        return rows.annotate(product_sku=Subquery(skus))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what was raised about a product or an order."""
        term = search_term.strip()
        return (queryset.filter(subject=term) if term else queryset), False

    @display(description="Alert", label=_COLOURS)
    def kind_(self, obj: Alert) -> str:
        """Return what is wrong."""
        return obj.get_kind_display()

    @display(description="About")
    def about(self, obj: Any) -> str:
        """Return what it is about, with a link."""
        if obj.kind == AlertKind.RESERVATION_OLD:
            return order_link(as_uuid(obj.subject))
        if obj.product_sku is None:
            return short_id(obj.subject)
        return product_link(obj.subject, obj.product_sku)

    @display(description="Details")
    def details_(self, obj: Alert) -> str:
        """Return what was noted, on one line."""
        return changes(obj.details)[:120]

    @display(description="Raised")
    def raised(self, obj: Alert) -> str:
        """Return how long ago it was raised."""
        return when(obj.raised_at)

    @display(description="Raised")
    def raised_whole(self, obj: Alert) -> str:
        """Return when it was raised."""
        return whole_time(obj.raised_at)

    @display(description="State", label={"open": "danger", "cleared": "success"})
    def state(self, obj: Alert) -> str:
        """Return whether it still waits for somebody."""
        return "cleared" if obj.cleared_at else "open"

    @display(description="Details")
    def whole(self, obj: Alert) -> str:
        """Return what was noted."""
        return pretty_json(obj.details)

    def label_of(self, row: Any) -> str:
        """Return what is wrong with what."""
        return f"{row.get_kind_display()}: {row.product_sku or row.subject}"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the button of an alert that is open."""
        found = Alert.objects.filter(pk=str(object_id)) if str(object_id).isdecimal() else None
        is_open = found is not None and found.filter(cleared_at=None).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(description="Clear", url_path="clear", icon="task_alt")
    def clear(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Note that somebody has seen to it."""
        alert: Alert = self.object_or_404(request, object_id)

        def act(_: str) -> str:
            alerts.dismiss(alert.pk, by=actor_id(request))
            return "The alert is cleared."

        question = replace(_CLEAR, title="Clear alert")
        return self.confirmed(request, alert, question, act)

    @list_action(description="Clear")
    def clear_selected(
        self, request: HttpRequest, queryset: QuerySet[Alert]
    ) -> HttpResponse | None:
        """Note that somebody has seen to the selected ones."""
        rows = list(queryset.filter(cleared_at=None)[:MOST_AT_ONCE])
        return self.confirmed_selection(
            request, rows, _CLEAR, lambda row: alerts.dismiss(row.pk, by=actor_id(request))
        )
