"""Reservations: for services only, behind the private entry point."""

from typing import Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service import errors
from apps.catalog_service.api.views import NOTHING
from apps.catalog_service.selectors import reservations as selectors
from apps.catalog_service.serializers.reservations import (
    FoundReservationOutput,
    ReservationInput,
    ReservationOutput,
)
from apps.catalog_service.services import reservations as services
from apps.catalog_service.services.reservations import WantedLine
from chassis.errors import NotFound
from chassis.openapi import may_answer
from chassis.tokens.authentication import ServiceAuthentication, has_scope

_INPUT: Final = ReservationInput()
"""Made once: to copy its fields for each order takes as long as to check them."""


class ReservationView(APIView):
    """For services only, behind the private entry point."""

    authentication_classes = [ServiceAuthentication]
    permission_classes = [has_scope("stock:reserve")]

    @extend_schema(
        operation_id="reservations_read",
        extensions=may_answer(NotFound),
        summary="Read an order's reservation and what became of it",
        responses=FoundReservationOutput,
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        found = selectors.find_reservation(order_id)
        return Response({**selectors.reservation_view(found), "status": found.status})

    @extend_schema(
        operation_id="reservations_make",
        extensions=may_answer(
            errors.OutOfStock,
            errors.UnknownSku,
            errors.ReservationMismatch,
            errors.ReservationClosed,
        ),
        summary="Reserve stock for an order: 201 the first time, 200 when repeated",
        request=ReservationInput,
        responses={201: ReservationOutput, 200: ReservationOutput},
    )
    def put(self, request: Request, order_id: UUID) -> Response:
        given = _INPUT.run_validation(request.data)
        lines = [
            WantedLine(line["sku"], line["quantity"], index)
            for index, line in enumerate(given["lines"])
        ]
        reserved = services.reserve(order_id=order_id, lines=lines)
        made = status.HTTP_201_CREATED if reserved.is_new else status.HTTP_200_OK
        return Response(reserved.view, status=made)

    @extend_schema(
        operation_id="reservations_release",
        extensions=may_answer(errors.ReservationClosed),
        summary="Release an order's reservation; one that was never made cannot be made any more",
        responses={204: NOTHING},
    )
    def delete(self, request: Request, order_id: UUID) -> Response:
        services.release_reservation(order_id=order_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
