"""The API of the auth service."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, cast
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import conf, errors, keys, selectors, tokens
from apps.auth_service.authentication import ClientAuthentication
from apps.auth_service.models import Role
from apps.auth_service.serializers import (
    AcceptedOutput,
    AccessInput,
    CredentialsInput,
    GrantOutput,
    JWKSetOutput,
    LinkInput,
    NewPasswordInput,
    PasswordChangeInput,
    PasswordResetInput,
    ProfileInput,
    ProfileOutput,
    RefreshInput,
    RegistrationInput,
    ServiceTokenOutput,
    SessionListOutput,
    SessionOutput,
    UserListOutput,
    UserOutput,
)
from apps.auth_service.services import accounts, clients, passwords, sessions
from apps.auth_service.throttles import (
    LoginThrottle,
    PasswordResetThrottle,
    RegistrationThrottle,
    client_address,
)
from chassis import json, pagination
from chassis.errors import PublicError
from chassis.tokens.authentication import IsAdmin, IsUser, Principal

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    errors.LinkInvalid: status.HTTP_400_BAD_REQUEST,
    errors.PasswordUnfit: status.HTTP_400_BAD_REQUEST,
    errors.PasswordWrong: status.HTTP_400_BAD_REQUEST,
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.EmailTaken: status.HTTP_409_CONFLICT,
    errors.OwnAccount: status.HTTP_409_CONFLICT,
    errors.NotAdmin: status.HTTP_403_FORBIDDEN,
    errors.NotStaff: status.HTTP_403_FORBIDDEN,
    errors.CredentialsInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.TokenInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.ClientInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.TooManyAttempts: status.HTTP_429_TOO_MANY_REQUESTS,
}
USERS_ORDER: Final = pagination.Order(("-id",))
SESSIONS_ORDER: Final = pagination.Order(("-id",))
_SECRET: Final = {"Cache-Control": "no-store"}  # RFC 6749 section 5.1
_NOTHING: Final = OpenApiResponse(description="Done")
_MAILED: Final = {"detail": "Look into your mail."}


class PublicView(APIView):
    """Open to anyone; a token that is sent along is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class RegisterView(PublicView):
    throttle_classes = (RegistrationThrottle,)

    @extend_schema(
        operation_id="accounts_register",
        request=RegistrationInput,
        responses={201: ProfileOutput, 202: AcceptedOutput},
    )
    def post(self, request: Request) -> Response:
        """Open an account; 202 where a mail must be answered first, whoever has the address."""
        given = RegistrationInput(data=request.data)
        given.is_valid(raise_exception=True)
        if conf.verifies_email():
            accounts.request_registration(**given.validated_data)
            return Response(_MAILED, status=status.HTTP_202_ACCEPTED)
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
            ip=client_address(request),
        )
        LoginThrottle().count(request, self)
        return Response(GrantOutput(grant).data, headers=_SECRET)


class RefreshView(PublicView):
    @extend_schema(operation_id="tokens_refresh", request=RefreshInput, responses=GrantOutput)
    def post(self, request: Request) -> Response:
        """Spend a refresh token for new tokens."""
        grant = sessions.refresh(_refresh_token(request), ip=client_address(request))
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


class ConfirmEmailView(PublicView):
    @extend_schema(
        operation_id="accounts_confirm_email", request=LinkInput, responses={204: _NOTHING}
    )
    def post(self, request: Request) -> Response:
        """Confirm the address of an account by the token that was mailed to it."""
        given = LinkInput(data=request.data)
        given.is_valid(raise_exception=True)
        accounts.confirm_email(given.validated_data["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordChangeView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="passwords_change", request=PasswordChangeInput, responses={204: _NOTHING}
    )
    def post(self, request: Request) -> Response:
        """Change the own password. Ends every log-in, this one too."""
        given = PasswordChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.change_password(
            _user_id(request), **given.validated_data, ip=client_address(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(PublicView):
    throttle_classes = (PasswordResetThrottle,)

    @extend_schema(
        operation_id="passwords_reset",
        request=PasswordResetInput,
        responses={202: AcceptedOutput},
    )
    def post(self, request: Request) -> Response:
        """Have a link to set a new password mailed, if there is such an account."""
        given = PasswordResetInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.request_reset(given.validated_data["email"])
        return Response(_MAILED, status=status.HTTP_202_ACCEPTED)


class PasswordResetConfirmView(PublicView):
    @extend_schema(
        operation_id="passwords_reset_confirm", request=NewPasswordInput, responses={204: _NOTHING}
    )
    def post(self, request: Request) -> Response:
        """Set a new password by the token that was mailed. Ends every log-in."""
        given = NewPasswordInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.confirm_reset(
            token=given.validated_data["token"], password=given.validated_data["new_password"]
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionListView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="sessions_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=SessionListOutput,
    )
    def get(self, request: Request) -> Response:
        """List the own log-ins, the newest first."""
        found = pagination.page(
            selectors.live_sessions(_user_id(request), now=timezone.now()),
            order=SESSIONS_ORDER,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
        )
        results = [SessionOutput(session).data for session in found.rows]
        return Response(pagination.envelope(request, found, results))


class SessionView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="sessions_end", responses={204: _NOTHING})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one of the own log-ins. Its access tokens live on until they end."""
        sessions.end_session(session_id, user_id=_user_id(request), by=None)
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
    @extend_schema(
        operation_id="keys_read",
        responses={
            200: JWKSetOutput,
            304: OpenApiResponse(description="Not modified since the ETag in If-None-Match"),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the keys that access tokens are verified with."""
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

    @extend_schema(operation_id="service_tokens_issue", request=None, responses=ServiceTokenOutput)
    def post(self, request: Request) -> Response:
        """Return a service's own token."""
        access = clients.issue_service_token(
            _principal(request).subject, secret=cast("str", request.auth)
        )
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
