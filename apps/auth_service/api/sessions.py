"""Log-ins: begun, refreshed, listed, ended."""

from typing import Final
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import selectors
from apps.auth_service.api.views import NOTHING, SECRET, PublicView, user_id_of
from apps.auth_service.serializers import (
    CredentialsInput,
    GrantOutput,
    RefreshInput,
    SessionListOutput,
    SessionOutput,
)
from apps.auth_service.services import sessions
from apps.auth_service.throttles import LoginThrottle, client_address
from chassis import pagination
from chassis.openapi import PAGE_PARAMETERS
from chassis.tokens.authentication import IsUser

_NEWEST_FIRST: Final = pagination.Order(("-id",))


class TokenView(PublicView):
    throttle_classes = (LoginThrottle,)

    @extend_schema(operation_id="tokens_issue", request=CredentialsInput, responses=GrantOutput)
    def post(self, request: Request) -> Response:
        """Log in: get an access token and a refresh token."""
        given = CredentialsInput(data=request.data)
        given.is_valid(raise_exception=True)
        grant = sessions.log_in(
            **given.validated_data,
            device=request.headers.get("User-Agent", ""),
            ip=client_address(request),
        )
        LoginThrottle().count(request, self)
        return Response(GrantOutput(grant).data, headers=SECRET)


class RefreshView(PublicView):
    @extend_schema(operation_id="tokens_refresh", request=RefreshInput, responses=GrantOutput)
    def post(self, request: Request) -> Response:
        """Spend a refresh token for new tokens."""
        grant = sessions.refresh(_refresh_token(request), ip=client_address(request))
        return Response(GrantOutput(grant).data, headers=SECRET)


class RevokeView(PublicView):
    @extend_schema(operation_id="tokens_revoke", request=RefreshInput, responses={204: NOTHING})
    def post(self, request: Request) -> Response:
        """Log out: end the log-in that the refresh token is of."""
        sessions.revoke(_refresh_token(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RevokeAllView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="tokens_revoke_all", request=None, responses={204: NOTHING})
    def post(self, request: Request) -> Response:
        """Log out everywhere. Access tokens that are out live on until they end."""
        sessions.revoke_all(user_id_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionListView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="sessions_list",
        parameters=[*PAGE_PARAMETERS],
        responses=SessionListOutput,
    )
    def get(self, request: Request) -> Response:
        """List the own log-ins, the newest first."""
        found = pagination.page(
            selectors.live_sessions(user_id_of(request), now=timezone.now()),
            order=_NEWEST_FIRST,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
        )
        results = [SessionOutput(session).data for session in found.rows]
        return Response(pagination.envelope(request, found, results))


class SessionView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="sessions_end", responses={204: NOTHING})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one of the own log-ins. Its access tokens live on until they end."""
        sessions.end_session(session_id, user_id=user_id_of(request), by=None)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _refresh_token(request: Request) -> str:
    given = RefreshInput(data=request.data)
    given.is_valid(raise_exception=True)
    token: str = given.validated_data["refresh"]
    return token
