"""Stock: for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service import errors
from apps.catalog_service.api.views import actor, user_id
from apps.catalog_service.selectors import stock as selectors
from apps.catalog_service.serializers.stock import (
    AdjustmentInput,
    MovementListOutput,
    StockOutput,
)
from apps.catalog_service.services import stock as services
from chassis import pagination
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.tokens.authentication import IsStaff


class StockView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_read",
        tags=["Stock"],
        extensions=may_answer(NotFound),
        summary="Read a product's stock",
        responses=StockOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(selectors.find_stock(slug))


class MovementsView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_movements",
        tags=["Stock"],
        extensions=may_answer(NotFound),
        summary="List what moved a product's stock",
        description="The newest comes first.",
        parameters=[*PAGE_PARAMETERS],
        responses=MovementListOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        limit = pagination.read_limit(request)
        cursor = request.query_params.get("cursor")
        found = selectors.movements(slug, limit=limit, cursor=cursor)
        results = [selectors.movement_view(row) for row in found.rows]
        return Response(pagination.envelope(request, found, results))


class AdjustmentsView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_adjust",
        tags=["Stock"],
        extensions=may_answer(NotFound, errors.StockShort, errors.StockFull),
        summary="Add pieces to a product's stock, or take some away",
        description="Pieces that are reserved cannot be taken.",
        request=AdjustmentInput,
        responses={201: StockOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        given = AdjustmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.adjust_stock(
            slug=slug, actor=actor(request), by=user_id(request), **given.validated_data
        )
        return Response(selectors.find_stock(slug), status=status.HTTP_201_CREATED)
