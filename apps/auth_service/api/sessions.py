"""Log-ins: begun, refreshed, listed, ended."""

from typing import Final
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import errors, selectors
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
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.tokens.authentication import IsUser

_NEWEST_FIRST: Final = pagination.Order(("-id",))


class TokenView(PublicView):
    throttle_classes = (LoginThrottle,)

    @extend_schema(
        operation_id="tokens_issue",
        tags=["Tokens"],
        extensions=may_answer(errors.CredentialsInvalid),
        request=CredentialsInput,
        responses=GrantOutput,
    )
    def post(self, request: Request) -> Response:
        """Log in. The access token goes into Authorization, the refresh token gets the next one."""
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
    @extend_schema(
        operation_id="tokens_refresh",
        tags=["Tokens"],
        extensions=may_answer(errors.TokenInvalid),
        request=RefreshInput,
        responses=GrantOutput,
    )
    def post(self, request: Request) -> Response:
        """Spend a refresh token for new tokens. One that is spent again ends its log-in, but for the first 10 s."""
        grant = sessions.refresh(_refresh_token(request), ip=client_address(request))
        return Response(GrantOutput(grant).data, headers=SECRET)


class RevokeView(PublicView):
    @extend_schema(
        operation_id="tokens_revoke",
        tags=["Tokens"],
        request=RefreshInput,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """Log out. Ends the log-in that the refresh token is of; one that is unknown is no error."""
        sessions.revoke(_refresh_token(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RevokeAllView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="tokens_revoke_all", tags=["Tokens"], request=None, responses={204: NOTHING}
    )
    def post(self, request: Request) -> Response:
        """Log out everywhere. Access tokens that are out live on until they end."""
        sessions.revoke_all(user_id_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionListView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="sessions_list",
        tags=["Own account"],
        parameters=[*PAGE_PARAMETERS],
        responses=SessionListOutput,
    )
    def get(self, request: Request) -> Response:
        """List one's log-ins. The newest comes first."""
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

    @extend_schema(
        operation_id="sessions_end",
        tags=["Own account"],
        extensions=may_answer(NotFound),
        responses={204: NOTHING},
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one of one's log-ins. Its access tokens live on until they end."""
        sessions.end_session(session_id, user_id=user_id_of(request), by=None)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _refresh_token(request: Request) -> str:
    given = RefreshInput(data=request.data)
    given.is_valid(raise_exception=True)
    token: str = given.validated_data["refresh"]
    return token
