"""A view that does nothing: what a token costs is what its requests take more than those without."""

from typing import Any

import jwt
from django.conf import settings
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

public_key: Any = None
"""The key that `Decoding` verifies with; set by who measures."""


class Decoding(BaseAuthentication):
    """The limit: PyJWT's decode, asked as chassis asks it, of a key that is known beforehand."""

    def authenticate(self, request: Request) -> Any:
        token = request.META["HTTP_AUTHORIZATION"][len("Bearer ") :]
        payload = jwt.decode(
            token,
            public_key,
            algorithms=["ES256"],
            audience="souk",
            issuer=settings.PUBLIC_URL,
            leeway=5,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
        )
        return payload["sub"], None


class Small(APIView):
    """Ours: open to all, and whoever shows a token is known by it."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"known": bool(request.auth) or isinstance(request.user, str)})


class SmallDecoded(Small):
    authentication_classes = [Decoding]


urlpatterns = [path("small", Small.as_view()), path("decoded", SmallDecoded.as_view())]
