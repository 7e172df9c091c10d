"""What the payment provider tells: signed as Standard Webhooks 1.0 says, by no token of ours."""

from io import BytesIO
from typing import IO, Any, cast

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.order_service import conf, errors, payments, serializers, services
from apps.order_service.payments import signature
from chassis import json
from chassis.errors import NotFound
from chassis.openapi import may_answer


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, required=True, description=description
    )


class PaymentWebhookView(APIView):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="payments_webhook",
        tags=["Payments"],
        extensions=may_answer(
            errors.WebhookSignatureInvalid,
            errors.WebhookExpired,
            NotFound,
            errors.WebhookReplayed,
            errors.PaymentMismatch,
        ),
        summary="Tell the outcome of a payment",
        description="For the payment provider. Signed as Standard Webhooks 1.0 says. Types other than payment.succeeded, "
        "payment.declined and payment.refunded are passed over with 200. The same message sent "
        "anew, with a later time, gets 200 and does nothing. "
        "401 webhook-signature-invalid, or webhook-expired 5 minutes before or after the time of a "
        "valid signature; 404 not-found for a payment that is not the provider's or not there yet, "
        "and for everything in a shop without such a provider; 409 webhook-replayed for a message "
        "that came before with this time or a later one; 422 payment-mismatch where amount or "
        "currency is not the payment's. What is refused is not remembered.",
        parameters=[
            _header("webhook-id", "The same each time that the message is sent."),
            _header("webhook-timestamp", "Seconds since 1970, new each time that it is sent."),
            _header(
                "webhook-signature",
                "`v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by "
                "dots; several are separated by spaces.",
            ),
        ],
        auth=[],
        request=serializers.WebhookSerializer,
        responses=serializers.WebhookAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        secrets = conf.webhook_secrets()
        if not secrets:
            raise NotFound("No payment provider sends messages to this shop")
        # The signature first, and over the bytes as they came: nothing else is looked at before.
        body = json.read_body(
            cast("IO[Any]", request), longest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        )
        headers = _signed_headers(request)
        sent_at = signature.verify(headers, body, secrets=secrets, now=timezone.now())
        value = _parse(request, body)
        if not _is_known(value):
            return Response({"effect": "nothing: the type is not known"})
        given = serializers.WebhookSerializer(data=value)
        given.is_valid(raise_exception=True)
        message = services.Message(
            id=headers.message_id,
            sent_at=sent_at,
            type=payments.MessageType(given.validated_data["type"]),
            **given.validated_data["data"],
        )
        return Response({"effect": services.take_message(message)})


def _signed_headers(request: Request) -> signature.SignedHeaders:
    return signature.SignedHeaders(
        message_id=request.headers.get("webhook-id", ""),
        timestamp=request.headers.get("webhook-timestamp", ""),
        signatures=request.headers.get("webhook-signature", ""),
    )


def _parse(request: Request, body: bytes) -> Any:
    parser = json.AlwaysJSON().select_parser(request, [json.JSONParser()])
    if parser is None:
        raise UnsupportedMediaType(request.content_type or "")
    return parser.parse(BytesIO(body))


def _is_known(value: Any) -> bool:
    given = serializers.WebhookTypeSerializer(data=value)
    given.is_valid(raise_exception=True)
    return given.validated_data["type"] in list(payments.MessageType)
