"""Stock: for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service.api.views import actor
from apps.catalog_service.selectors import stock as selectors
from apps.catalog_service.serializers.stock import AdjustmentInput, StockOutput
from apps.catalog_service.services import stock as services
from chassis.tokens.authentication import IsStaff


class StockView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_read",
        summary="Read a product's stock",
        responses=StockOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(selectors.find_stock(slug))


class AdjustmentsView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_adjust",
        summary="Add pieces to a product's stock, or take unreserved ones away",
        request=AdjustmentInput,
        responses={201: StockOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        given = AdjustmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.adjust_stock(slug=slug, actor=actor(request), **given.validated_data)
        return Response(selectors.find_stock(slug), status=status.HTTP_201_CREATED)
