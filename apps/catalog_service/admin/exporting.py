"""Products as a file: those of the list's category and status, or the selected ones."""

from typing import Any

from django.contrib.admin import action as list_action
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.catalog_service.admin.links import list_url
from apps.catalog_service.models import Category, Product, ProductStatus, TransferKind
from apps.catalog_service.services import transfers
from chassis.admin.asking import Question
from chassis.admin.options import MOST_AT_ONCE, ServiceModelAdmin, actor_id
from chassis.admin.theme import action


class ExportingAdmin(ServiceModelAdmin):
    """A list whose products a worker writes into a file; the transfer's page has it then."""

    @action(description="Export", url_path="export", icon="download")
    def export(self, request: HttpRequest) -> HttpResponse:
        """Ask, and have the products of the list's category and status exported."""
        category = Category.objects.filter(slug=request.GET.get("category", "")).first()
        status = request.GET.get("status__exact", "")
        statuses = [status] if status in ProductStatus.values else []
        if request.method == "POST":
            return _started(
                request, {"category": category.slug if category else "", "statuses": statuses}
            )
        of_category = f" of {category.name} and what stands below it" if category else ""
        question = Question(
            title="Export products",
            text=f"A worker writes all {' '.join([*statuses, 'products'])}{of_category} into a CSV,"
            " which an import takes back. Words, prices and stock that the list is narrowed to do"
            " not count.",
            button="Export",
        )
        return self.ask(request, question, back=f"{list_url('product')}?{request.GET.urlencode()}")

    @list_action(description="Export")
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse:
        """Have the selected products exported."""
        skus = list(queryset.order_by("sku").values_list("sku", flat=True)[:MOST_AT_ONCE])
        return _started(request, {"category": "", "statuses": [], "skus": skus})


def _started(request: HttpRequest, options: dict[str, Any]) -> HttpResponse:
    transfer = transfers.start(
        TransferKind.EXPORT_PRODUCTS,
        by=actor_id(request),
        options={"for_spreadsheets": False, **options},
    )
    return HttpResponseRedirect(reverse("admin:catalog_transfer_change", args=[transfer.pk]))
