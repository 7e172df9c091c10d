"""The list as a file: the orders that its filters and its search leave, as they are read."""

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from apps.order_service import selectors
from apps.order_service.api.export import as_file
from chassis.admin.options import NarrowedButtonsAdmin
from chassis.admin.theme import action


class ExportingAdmin(NarrowedButtonsAdmin):
    """A list of orders with a button that hands out a CSV of them, however many they are."""

    @action(description="Export CSV", url_path="export", icon="download")
    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Stream the orders that the address narrows as the list's own does."""
        try:
            orders = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise BadRequest from error
        return as_file(selectors.csv_rows(orders), name=f"orders-{timezone.now():%Y-%m-%d}.csv")
