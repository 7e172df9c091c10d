"""What the views have in common: who asks, under which key, about which order."""

import hashlib
import re
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.order_service import errors, selectors, services
from apps.order_service.models import Order
from chassis.tokens.principal import Principal

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")

KEY_PARAMETER: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable ASCII characters, new for each intent. The same key with the "
    "same body gets the same answer, byte by byte, and nothing happens twice; with another body "
    "422 idempotency-key-reused; while the first request runs 409 idempotency-in-progress. "
    "A 400 is not kept under a key.",
)


KEY_PROBLEMS: Final = (
    errors.IdempotencyKeyRequired,
    errors.IdempotencyKeyInvalid,
    errors.IdempotencyKeyReused,
    errors.IdempotencyInProgress,
)
"""What a call may be answered for its key."""


def principal(request: Request) -> Principal:
    return cast("Principal", request.user)


def user_id(request: Request) -> UUID:
    found = principal(request).user_id
    assert found is not None  # IsUser lets in nobody else
    return found


def find_order(request: Request, order_id: UUID) -> Order:
    return selectors.find_order(
        order_id, user_id=user_id(request), is_staff=principal(request).is_staff
    )


def read_call(request: Request) -> services.Call:
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
        user_id=user_id(request),
        path=request.path,
        key=key,
        body_hash=hashlib.sha256(value).hexdigest(),
    )


def respond(answer: services.Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
