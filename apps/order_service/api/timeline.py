"""What happened to an order."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.order_service import selectors, serializers
from apps.order_service.api import requests
from chassis.errors import NotFound
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsUser


class OrderTimelineView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="orders_timeline",
        tags=["Orders"],
        extensions=may_answer(NotFound),
        summary="Read what happened to an order",
        description="The oldest comes first. States, calls to the catalog, payments and events, each with its request id. "
        "Staff are told more: who did it and why, what handlers did, the provider's messages. At "
        f"most {selectors.MOST_OF_A_KIND} of each are told, the latest.",
        responses=serializers.TimelineSerializer,
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        order = requests.find_order(request, order_id)
        entries = selectors.timeline(order, for_staff=requests.principal(request).is_staff)
        return Response({"results": entries})
