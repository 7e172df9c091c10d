"""The history of prices: for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service.selectors import prices as selectors
from apps.catalog_service.selectors import products
from apps.catalog_service.serializers.prices import PriceListOutput
from chassis import pagination
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.tokens.authentication import IsStaff


class PricesView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="prices_list",
        tags=["Products"],
        extensions=may_answer(NotFound),
        summary="List what a product has cost",
        description="The newest price comes first.",
        parameters=[*PAGE_PARAMETERS],
        responses=PriceListOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        product_id = products.find_product_id(slug)
        page = pagination.page(
            selectors.price_changes(product_id).values(*selectors.FIELDS),
            order=selectors.NEWEST_FIRST,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
            scope=f"prices:{product_id}",
        )
        results = [{name: row[name] for name in selectors.SHOWN} for row in page.rows]
        lowest = selectors.lowest_price(product_id)
        return Response({**pagination.envelope(request, page, results), "lowest_price_30d": lowest})
