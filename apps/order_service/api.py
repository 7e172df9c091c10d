"""The HTTP API: translate in, one call, translate out."""

import hashlib
import re
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.order_service import errors, selectors, serializers, services
from apps.order_service.models import Order
from chassis import pagination
from chassis.errors import NotFound, PublicError
from chassis.openapi import PAGE_PARAMETERS
from chassis.tokens.authentication import IsUser
from chassis.tokens.principal import Principal

ERROR_STATUSES: Final[dict[type[PublicError], int]] = {
    errors.IdempotencyKeyRequired: 400,
    errors.IdempotencyKeyInvalid: 400,
    errors.PaymentDeclined: 402,
    NotFound: 404,
    errors.IdempotencyInProgress: 409,
    errors.OutOfStock: 409,
    errors.PriceChanged: 409,
    errors.TooManyOpenOrders: 409,
    errors.StateConflict: 409,
    errors.PaymentExpired: 409,
    errors.IdempotencyKeyReused: 422,
    errors.UnknownSku: 422,
}

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_NEWEST_FIRST: Final = pagination.Order(("-id",))

_KEY_PARAMETER: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable ASCII characters, new for each intent. The same key with the "
    "same body gets the same answer, byte by byte, and nothing happens twice; with another body "
    "422 idempotency-key-reused; while the first request runs 409 idempotency-in-progress. "
    "A 400 is not kept under a key.",
)
_LOCATION: Final = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[201, 202], description="Path of the order."
)


class OrdersView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_list",
        summary="List orders, newest first: one's own; staff see all",
        parameters=[
            serializers.OrderFilterSerializer,
            *PAGE_PARAMETERS,
        ],
        responses=serializers.OrderListSerializer,
    )
    def get(self, request: Request) -> Response:
        filters = serializers.OrderFilterSerializer(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        orders = selectors.filter_orders(
            selectors.visible_orders(
                user_id=_user_id(request), is_staff=_principal(request).is_staff
            ),
            **filters.validated_data,
        )
        page = pagination.page(
            orders,
            order=_NEWEST_FIRST,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
        )
        results = [selectors.view_order(order) for order in page.rows]
        return Response(pagination.envelope(request, page, results))

    @extend_schema(
        operation_id="orders_place",
        summary="Place an order",
        description="201 with prices; 202 and still pending while the catalog is unreachable (see "
        "Location); 409 out-of-stock, price-changed or too-many-open-orders; 422 unknown-sku.",
        parameters=[_KEY_PARAMETER, _LOCATION],
        request=serializers.OrderRequestSerializer,
        responses={201: serializers.OrderSerializer, 202: serializers.OrderSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        call = _read_call(request)
        body = serializers.OrderRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = services.Draft(user_id=call.user_id, **body.validated_data)
        return _respond(services.place_order(call=call, draft=draft))


class OrderView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_read",
        summary="Read an order; another's is 404",
        responses=serializers.OrderSerializer,
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(selectors.view_order(_find_order(request, order_id)))


class OrderCancelView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_cancel",
        summary="Cancel an order that is not paid; staff may cancel anyone's",
        description="409 state-conflict once it is paid, or while a payment is under way.",
        request=None,
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        order = _find_order(request, order_id)
        own = order.user_id == _user_id(request)
        services.cancel_order(
            order_id=order_id,
            who=f"{'user' if own else 'staff'}:{_user_id(request)}",
            reason="cancelled by the customer" if own else "cancelled by staff",
        )
        return Response(selectors.read_order(order_id))


class OrderPaymentsView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_pay",
        summary="Pay one's own order",
        description="202 with status unknown when the provider did not answer: the payment is "
        "never made twice, and the order tells what became of it. 402 payment-declined; "
        "409 payment-expired after expires_at; 409 state-conflict in any status but placed.",
        parameters=[_KEY_PARAMETER],
        request=serializers.PaymentRequestSerializer,
        responses={
            201: serializers.PaymentSerializer,
            202: serializers.PaymentSerializer,
            402: OpenApiResponse(OpenApiTypes.OBJECT, description="payment-declined"),
        },
    )
    def post(self, request: Request, order_id: UUID) -> HttpResponse:
        order = _find_order(request, order_id)
        if order.user_id != _user_id(request):
            raise PermissionDenied("Only the customer pays an order")
        call = _read_call(request)
        body = serializers.PaymentRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answer = services.pay_order(call=call, order_id=order_id, **body.validated_data)
        return _respond(answer)


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)


def _user_id(request: Request) -> UUID:
    user_id = _principal(request).user_id
    assert user_id is not None  # IsUser lets in nobody else
    return user_id


def _find_order(request: Request, order_id: UUID) -> Order:
    return selectors.find_order(
        order_id, user_id=_user_id(request), is_staff=_principal(request).is_staff
    )


def _read_call(request: Request) -> services.Call:
    """Return the caller's key with a hash of the body's value: spaces and key order are no matter.

    Raises:
        IdempotencyKeyRequired, IdempotencyKeyInvalid: by the header.
    """
    body: Any = request.data
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise errors.IdempotencyKeyRequired
    if not _KEY.fullmatch(key):
        raise errors.IdempotencyKeyInvalid
    value = msgspec.json.encode(body, order="sorted")
    return services.Call(
        user_id=_user_id(request),
        path=request.path,
        key=key,
        body_hash=hashlib.sha256(value).hexdigest(),
    )


def _respond(answer: services.Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
