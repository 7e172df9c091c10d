"""What the views share."""

from typing import Final, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis.tokens.principal import Principal

SECRET: Final = {"Cache-Control": "no-store"}  # RFC 6749 section 5.1
NOTHING: Final = OpenApiResponse(description="Done")


class PublicView(APIView):
    """Open to anyone; a token that is sent along is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


def principal_of(request: Request) -> Principal:
    """Return who asks; only for views that let nobody in without a token."""
    return cast("Principal", request.user)


def user_id_of(request: Request) -> UUID:
    """Return who asks; only for views whose permission lets users alone in."""
    user_id = principal_of(request).user_id
    assert user_id is not None
    return user_id
