"""What the views have in common."""

from typing import Any, Final, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis.tokens.authentication import IsStaffOrReadOnly
from chassis.tokens.principal import Principal

NOTHING: Final = OpenApiResponse(description="Done")


def user_id(request: Request) -> UUID | None:
    """Return the user who asks, for the audit log."""
    return cast("Principal", request.user).user_id


def actor(request: Request) -> str:
    """Return who asks, as the ledger names them."""
    return f"user:{cast('Principal', request.user).subject}"


class RevalidatedView(APIView):
    """What it answers, errors too, depends on who asks and may differ the next time."""

    permission_classes = [IsStaffOrReadOnly]

    @property
    def default_response_headers(self) -> dict[str, Any]:
        return {
            **super().default_response_headers,
            "Cache-Control": "no-cache",
            "Vary": "Authorization",
        }
