"""Orders: list them, place one, read one."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.order_service import errors, selectors, serializers, services
from apps.order_service.api import requests
from chassis import pagination
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.tokens.authentication import IsUser

_NEWEST_FIRST: Final = pagination.Order(("-id",))

_REQUEST: Final = serializers.OrderRequestSerializer()
"""Made once: to copy its fields for each order takes as long as to check them."""

LOCATION: Final = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[201, 202], description="Path of the order."
)

PLACING_PROBLEMS: Final = (
    errors.OutOfStock,
    errors.UnknownSku,
    errors.PriceChanged,
    errors.TooManyOpenOrders,
)


class OrdersView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_list",
        tags=["Orders"],
        summary="List orders",
        description="The newest comes first. A customer sees their own, staff see all.",
        parameters=[
            serializers.OrderFilterSerializer,
            *PAGE_PARAMETERS,
        ],
        responses=serializers.OrderListSerializer,
    )
    def get(self, request: Request) -> Response:
        filters = serializers.read_filters(request.query_params.dict())
        visible = selectors.visible_orders(
            user_id=requests.user_id(request), is_staff=requests.principal(request).is_staff
        )
        page = pagination.page(
            selectors.filter_orders(visible, filters),
            order=_NEWEST_FIRST,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
            scope=filters.scope,
        )
        results = [selectors.view_order(order) for order in page.rows]
        return Response(pagination.envelope(request, page, results))

    @extend_schema(
        operation_id="orders_place",
        tags=["Orders"],
        extensions=may_answer(*requests.KEY_PROBLEMS, *PLACING_PROBLEMS),
        summary="Place an order",
        description="201 with prices; 202 and still pending while the catalog is unreachable (see "
        "Location); 409 out-of-stock, price-changed or too-many-open-orders; 422 unknown-sku.",
        parameters=[requests.KEY_PARAMETER, LOCATION],
        request=serializers.OrderRequestSerializer,
        responses={201: serializers.OrderSerializer, 202: serializers.OrderSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        call = requests.read_call(request)
        draft = services.Draft(user_id=call.user_id, **_REQUEST.run_validation(request.data))
        return requests.respond(services.place_order(call=call, draft=draft))


class OrderView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_read",
        tags=["Orders"],
        extensions=may_answer(NotFound),
        summary="Read an order",
        description="To a customer another's order is 404.",
        responses=serializers.OrderSerializer,
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(selectors.view_order(requests.find_order(request, order_id)))
