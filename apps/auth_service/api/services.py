"""What the other services ask for: the keys that verify tokens, and a token of their own."""

from hashlib import sha256
from typing import cast

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import conf, errors, keys, tokens
from apps.auth_service.api.views import SECRET, PublicView, principal_of
from apps.auth_service.authentication import ClientAuthentication
from apps.auth_service.serializers import JWKSetOutput, ServiceTokenOutput
from apps.auth_service.services import clients
from chassis import json
from chassis.openapi import may_answer


class KeysView(PublicView):
    @extend_schema(
        operation_id="keys_read",
        tags=["Keys"],
        responses={
            200: JWKSetOutput,
            304: OpenApiResponse(description="Not modified since the ETag in If-None-Match"),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the keys that access tokens are verified with."""
        body = json.encode(keys.own_keys())
        etag = f'"{sha256(body).hexdigest()}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"public, max-age={conf.key_refresh_seconds()}",
        }
        # Compared weakly (RFC 9110, section 13.1.2): a proxy that compresses makes the ETag weak.
        offered = parse_etags(request.headers.get("If-None-Match", ""))
        if {etag, f"W/{etag}", "*"}.intersection(offered):
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)


class ServiceTokenView(APIView):
    """Behind the private entry point only."""

    authentication_classes = (ClientAuthentication,)
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="service_tokens_issue",
        extensions=may_answer(errors.ClientInvalid),
        request=None,
        responses=ServiceTokenOutput,
    )
    def post(self, request: Request) -> Response:
        """Return a service's own token."""
        access = clients.issue_service_token(
            principal_of(request).subject, secret=cast("str", request.auth)
        )
        body = {"access": access, "expires_in": tokens.SERVICE_SECONDS}
        return Response(body, headers=SECRET)
