"""What becomes of an order once it is placed."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.order_service import errors, selectors, serializers, services
from apps.order_service.api import requests
from chassis.errors import NotFound
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsStaff, IsUser


def _read(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    given: dict[str, Any] = body.validated_data
    return given


class OrderCancelView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_cancel",
        tags=["Orders"],
        extensions=may_answer(NotFound, errors.StateConflict),
        summary="Cancel an order that is not shipped",
        description="Staff may cancel anyone's. What was paid goes back: the order's payment is refunding, then refunded. "
        "409 state-conflict once it is shipped, or while a payment is under way.",
        request=serializers.CancelSerializer,
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        order = requests.find_order(request, order_id)
        own = order.user_id == requests.user_id(request)
        given = _read(serializers.CancelSerializer, request)
        services.cancel_order(
            order_id=order_id,
            who=f"{'user' if own else 'staff'}:{requests.user_id(request)}",
            reason=given.get("reason")
            or ("cancelled by the customer" if own else "cancelled by staff"),
        )
        return Response(selectors.read_order(order_id))


class _StaffView(APIView):
    permission_classes = [IsStaff]

    def _who(self, request: Request, order_id: UUID) -> str:
        """Return who acts on an order that there is."""
        requests.find_order(request, order_id)
        return f"staff:{requests.user_id(request)}"


class OrderShipView(_StaffView):
    @extend_schema(
        operation_id="orders_ship",
        tags=["Fulfilment"],
        extensions=may_answer(NotFound, errors.StateConflict),
        summary="Note that a paid order is on its way",
        description="409 state-conflict in any status but paid, and where the payment provider has "
        "given the money back.",
        request=serializers.NoteSerializer,
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        who = self._who(request, order_id)
        services.ship_order(
            order_id=order_id, who=who, **_read(serializers.NoteSerializer, request)
        )
        return Response(selectors.read_order(order_id))


class OrderDeliverView(_StaffView):
    @extend_schema(
        operation_id="orders_deliver",
        tags=["Fulfilment"],
        extensions=may_answer(NotFound, errors.StateConflict),
        summary="Note that a shipped order has arrived",
        description="409 state-conflict in any status but shipped.",
        request=serializers.NoteSerializer,
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        who = self._who(request, order_id)
        services.deliver_order(
            order_id=order_id, who=who, **_read(serializers.NoteSerializer, request)
        )
        return Response(selectors.read_order(order_id))


class OrderRefundView(_StaffView):
    @extend_schema(
        operation_id="orders_refund",
        tags=["Fulfilment"],
        extensions=may_answer(NotFound, errors.StateConflict),
        summary="Refund an order",
        description="All of its money, once it is paid, shipped or delivered. Its payment is refunding until the provider has given the money back, then "
        "refunded. 409 state-conflict in any other status.",
        request=serializers.RefundSerializer,
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        who = self._who(request, order_id)
        services.refund_order(
            order_id=order_id, who=who, **_read(serializers.RefundSerializer, request)
        )
        return Response(selectors.read_order(order_id))
