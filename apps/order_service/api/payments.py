"""Paying an order."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.order_service import errors, serializers, services
from apps.order_service.api import requests
from chassis.errors import NotFound
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsUser


class OrderPaymentsView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_pay",
        tags=["Payments"],
        extensions=may_answer(
            *requests.KEY_PROBLEMS,
            NotFound,
            PermissionDenied,
            errors.PaymentDeclined,
            errors.PaymentExpired,
            errors.StateConflict,
            errors.TooManyPayments,
        ),
        summary="Pay one's own order",
        description="202 with status pending where the provider tells the outcome later, or "
        "unknown when it did not answer: the payment is never made twice, and the order tells what "
        "became of it. 402 payment-declined; "
        "409 payment-expired after expires_at; 409 state-conflict in any status but placed; "
        "409 too-many-payments after 20 that failed.",
        parameters=[requests.KEY_PARAMETER],
        request=serializers.PaymentRequestSerializer,
        responses={
            201: serializers.PaymentSerializer,
            202: serializers.PaymentSerializer,
        },
    )
    def post(self, request: Request, order_id: UUID) -> HttpResponse:
        order = requests.find_order(request, order_id)
        if order.user_id != requests.user_id(request):
            raise PermissionDenied("Only the customer pays an order")
        call = requests.read_call(request)
        body = serializers.PaymentRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answer = services.pay_order(call=call, order_id=order_id, **body.validated_data)
        return requests.respond(answer)
