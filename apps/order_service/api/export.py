"""Orders as a file."""

from collections.abc import Iterator
from itertools import chain

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.order_service import selectors, serializers
from apps.order_service.models import Order
from chassis.tokens.authentication import IsStaff


class OrderExportView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="orders_export",
        tags=["Fulfilment"],
        summary="Export orders as a CSV",
        description="All that pass the list's filters, the oldest first. One line per order, amounts in its currency. Texts that a spreadsheet would "
        "run as a formula begin with an apostrophe. A file that ends too early has no proper end: "
        "its last chunk is missing (RFC 9112, section 7.1).",
        parameters=[serializers.OrderFilterSerializer],
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR)},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        filters = serializers.read_filters(request.query_params.dict())
        rows = selectors.csv_rows(selectors.filter_orders(Order.objects.all(), filters))
        return as_file(rows, name="orders.csv")


def as_file(rows: Iterator[str], *, name: str) -> StreamingHttpResponse:
    """Return the answer that streams a CSV; its first piece is read at once.

    So a database that is down is a problem, and no empty file.
    """
    return StreamingHttpResponse(
        chain([next(rows)], rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
