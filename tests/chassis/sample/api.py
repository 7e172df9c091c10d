"""Views that show what the chassis does to answers, errors and callers."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import structlog
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from chassis.errors import NotFound, PublicError
from chassis.events import publish
from chassis.tokens.authentication import IsAdmin, IsStaff, ServiceAuthentication, has_scope
from chassis.tokens.principal import Principal
from tests.chassis.sample.events import NoteTaken

log = structlog.get_logger()


class OutOfPaper(PublicError):
    code = "out-of-paper"
    title = "No paper is left"


ERROR_STATUSES: dict[type[PublicError], int] = {NotFound: 404, OutOfPaper: 409}


class LineInput(serializers.Serializer[Any]):
    quantity = serializers.IntegerField(min_value=1)


class NoteInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=50)
    lines = LineInput(many=True, required=False)


class Notes(APIView):
    permission_classes = [AllowAny]

    @extend_schema(request=NoteInput, responses=NoteInput)
    def post(self, request: Request) -> Response:
        note = NoteInput(data=request.data)
        note.is_valid(raise_exception=True)
        with transaction.atomic(durable=True):
            publish(NoteTaken(text=note.validated_data["text"]), subject="note")
        return Response(note.data, status=201)


class Values(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response(
            {
                "safe": mark_safe("<b>"),
                "lazy": lazystr("later"),
                "decimal": Decimal("19.90"),
                "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                "serialized": NoteInput({"text": "a", "lines": [{"quantity": 1}]}).data,
            }
        )


class Echo(APIView):
    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        return Response(request.data)


class Me(APIView):
    def get(self, request: Request) -> Response:
        caller = cast("Principal", request.user)
        return Response({"subject": caller.subject, "user_id": caller.user_id})


class StaffOnly(Me):
    permission_classes = [IsStaff]


class AdminOnly(Me):
    permission_classes = [IsAdmin]


class ServicesOnly(Me):
    authentication_classes = [ServiceAuthentication]
    permission_classes = [has_scope("stock:reserve")]


class Never(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        return False

    def wait(self) -> float:
        return 6.5


class Throttled(Me):
    permission_classes = [AllowAny]
    throttle_classes = [Never]


class Failing(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, kind: str) -> Response:
        if kind == "paper":
            raise OutOfPaper("Buy some", retry_after_seconds=9, sheets=0)
        if kind == "missing":
            raise NotFound("There is no such note")
        if kind == "database":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        raise RuntimeError("a secret: hunter2")


def plain(request: HttpRequest) -> HttpResponse:
    """Fail outside of DRF."""
    raise RuntimeError("a secret: hunter2")


def plain_query(request: HttpRequest) -> HttpResponse:
    """Query outside of DRF."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok")


def slow(request: HttpRequest) -> HttpResponse:
    """Say that it begins, and take a second, or as many as are asked for."""
    log.info("slow_begun")
    time.sleep(float(request.GET.get("seconds", 1)))
    return HttpResponse("done")
