"""The API of the auth service."""

import ipaddress
from collections.abc import Mapping
from typing import Final, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apps.auth_service import errors, keys, selectors, tokens
from apps.auth_service.authentication import ClientAuthentication
from apps.auth_service.models import Role
from apps.auth_service.serializers import (
    AccessInput,
    CredentialsInput,
    GrantOutput,
    JWKSetOutput,
    ProfileInput,
    ProfileOutput,
    RefreshInput,
    RegistrationInput,
    ServiceTokenOutput,
    UserListOutput,
    UserOutput,
)
from apps.auth_service.services import accounts, clients, sessions
from apps.auth_service.throttles import LoginThrottle, RegistrationThrottle
from chassis import pagination
from chassis.errors import PublicError
from chassis.tokens.authentication import IsAdmin, IsUser, Principal

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.EmailTaken: status.HTTP_409_CONFLICT,
    errors.OwnAccount: status.HTTP_409_CONFLICT,
    errors.NotAdmin: status.HTTP_403_FORBIDDEN,
    errors.CredentialsInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.TokenInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.ClientInvalid: status.HTTP_401_UNAUTHORIZED,
}
USERS_ORDER: Final = pagination.Order(("-id",))
_SECRET: Final = {"Cache-Control": "no-store"}  # RFC 6749 section 5.1
_NOTHING: Final = OpenApiResponse(description="Done")


class PublicView(APIView):
    """Open to anyone; a token that is sent along is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class RegisterView(PublicView):
    throttle_classes = (RegistrationThrottle,)

    @extend_schema(
        operation_id="accounts_register", request=RegistrationInput, responses={201: ProfileOutput}
    )
    def post(self, request: Request) -> Response:
        """Open an account."""
        given = RegistrationInput(data=request.data)
        given.is_valid(raise_exception=True)
        user = accounts.register_user(**given.validated_data)
        return Response(ProfileOutput(user).data, status=status.HTTP_201_CREATED)


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
            ip=_address(request),
        )
        return Response(GrantOutput(grant).data, headers=_SECRET)


class RefreshView(PublicView):
    @extend_schema(operation_id="tokens_refresh", request=RefreshInput, responses=GrantOutput)
    def post(self, request: Request) -> Response:
        """Spend a refresh token for new tokens."""
        grant = sessions.refresh(_refresh_token(request))
        return Response(GrantOutput(grant).data, headers=_SECRET)


class RevokeView(PublicView):
    @extend_schema(operation_id="tokens_revoke", request=RefreshInput, responses={204: _NOTHING})
    def post(self, request: Request) -> Response:
        """Log out: end the log-in that the refresh token is of."""
        sessions.revoke(_refresh_token(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RevokeAllView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="tokens_revoke_all", request=None, responses={204: _NOTHING})
    def post(self, request: Request) -> Response:
        """Log out everywhere. Access tokens that are out live on until they end."""
        sessions.revoke_all(_user_id(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProfileView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="profile_read", responses=ProfileOutput)
    def get(self, request: Request) -> Response:
        """Return the own account."""
        user = selectors.get_own_user(_user_id(request))
        return Response(ProfileOutput(user).data)

    @extend_schema(operation_id="profile_change", request=ProfileInput, responses=ProfileOutput)
    def patch(self, request: Request) -> Response:
        """Change the own name."""
        given = ProfileInput(data=request.data)
        given.is_valid(raise_exception=True)
        user_id = _user_id(request)
        if not given.validated_data:
            user = selectors.get_own_user(user_id)
        else:
            user = accounts.rename_user(user_id, **given.validated_data)
        return Response(ProfileOutput(user).data)


class UserListView(APIView):
    permission_classes = (IsAdmin,)

    @extend_schema(
        operation_id="users_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=UserListOutput,
    )
    def get(self, request: Request) -> Response:
        """List all users, the newest first."""
        found = pagination.page(
            selectors.list_users(),
            order=USERS_ORDER,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
        )
        results = [UserOutput(user).data for user in found.rows]
        return Response(pagination.envelope(request, found, results))


class UserView(APIView):
    permission_classes = (IsAdmin,)

    @extend_schema(operation_id="users_read", responses=UserOutput)
    def get(self, request: Request, user_id: UUID) -> Response:
        """Return a user."""
        return Response(UserOutput(selectors.get_user(user_id)).data)

    @extend_schema(operation_id="users_change", request=AccessInput, responses=UserOutput)
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change a user's role or activity. Admins cannot change their own."""
        given = AccessInput(data=request.data)
        given.is_valid(raise_exception=True)
        role = given.validated_data.get("role")
        change = accounts.AccessChange(
            role=None if role is None else Role(role),
            is_active=given.validated_data.get("is_active"),
        )
        user = accounts.change_access(user_id, change=change, by=_user_id(request))
        return Response(UserOutput(user).data)


class KeysView(PublicView):
    @extend_schema(operation_id="keys_read", responses=JWKSetOutput)
    def get(self, request: Request) -> Response:
        """Return the keys that access tokens are verified with."""
        return Response(keys.own_keys(), headers={"Cache-Control": "public, max-age=60"})


class ServiceTokenView(APIView):
    """Behind the private entry point only."""

    authentication_classes = (ClientAuthentication,)
    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="service_tokens_issue", request=None, responses=ServiceTokenOutput)
    def post(self, request: Request) -> Response:
        """Return a service's own token."""
        access = clients.issue_service_token(_principal(request).subject)
        body = {"access": access, "expires_in": tokens.SERVICE_SECONDS}
        return Response(body, headers=_SECRET)


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)


def _user_id(request: Request) -> UUID:
    """Return who asks; only for views whose permission lets users alone in."""
    user_id = _principal(request).user_id
    assert user_id is not None
    return user_id


def _refresh_token(request: Request) -> str:
    given = RefreshInput(data=request.data)
    given.is_valid(raise_exception=True)
    token: str = given.validated_data["refresh"]
    return token


def _address(request: Request) -> str | None:
    """Return the client's address as the gateway saw it, None where that is no address."""
    text = BaseThrottle().get_ident(request)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
