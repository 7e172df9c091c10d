"""Accounts: opened, confirmed, renamed, given a new password."""

from typing import Final

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import conf, errors, selectors
from apps.auth_service.api.views import NOTHING, PublicView, user_id_of
from apps.auth_service.serializers import (
    AcceptedOutput,
    ConfirmationInput,
    NewPasswordInput,
    PasswordChangeInput,
    PasswordResetInput,
    ProfileInput,
    ProfileOutput,
    RegistrationInput,
)
from apps.auth_service.services import accounts, passwords
from apps.auth_service.throttles import (
    ConfirmationThrottle,
    PasswordResetThrottle,
    RegistrationThrottle,
    client_address,
)
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsUser

_MAILED: Final = {"detail": "Look into your mail."}


class RegisterView(PublicView):
    throttle_classes = (RegistrationThrottle,)

    @extend_schema(
        operation_id="accounts_register",
        tags=["Accounts"],
        extensions=may_answer(errors.EmailTaken),
        request=RegistrationInput,
        responses={201: ProfileOutput, 202: AcceptedOutput},
    )
    def post(self, request: Request) -> Response:
        """Open an account. Where a mail must be answered first: 202, whoever has the address."""
        given = RegistrationInput(data=request.data)
        given.is_valid(raise_exception=True)
        if conf.verifies_email():
            accounts.request_registration(**given.validated_data)
            return Response(_MAILED, status=status.HTTP_202_ACCEPTED)
        user = accounts.register_user(**given.validated_data)
        return Response(ProfileOutput(user).data, status=status.HTTP_201_CREATED)


class ConfirmEmailView(PublicView):
    throttle_classes = (ConfirmationThrottle,)

    @extend_schema(
        operation_id="accounts_confirm_email",
        tags=["Accounts"],
        extensions=may_answer(errors.LinkInvalid),
        request=ConfirmationInput,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """Confirm an account's address. Takes the token that was mailed to it, and its password."""
        given = ConfirmationInput(data=request.data)
        given.is_valid(raise_exception=True)
        accounts.confirm_email(**given.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProfileView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(operation_id="profile_read", tags=["Own account"], responses=ProfileOutput)
    def get(self, request: Request) -> Response:
        """Read one's account."""
        user = selectors.get_own_user(user_id_of(request))
        return Response(ProfileOutput(user).data)

    @extend_schema(
        operation_id="profile_change",
        tags=["Own account"],
        request=ProfileInput,
        responses=ProfileOutput,
    )
    def patch(self, request: Request) -> Response:
        """Change one's name."""
        given = ProfileInput(data=request.data)
        given.is_valid(raise_exception=True)
        user_id = user_id_of(request)
        if not given.validated_data:
            user = selectors.get_own_user(user_id)
        else:
            user = accounts.rename_user(user_id, **given.validated_data)
        return Response(ProfileOutput(user).data)


class PasswordChangeView(APIView):
    permission_classes = (IsUser,)

    @extend_schema(
        operation_id="passwords_change",
        tags=["Accounts"],
        extensions=may_answer(errors.TooManyAttempts),
        request=PasswordChangeInput,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """Change one's password. It ends every log-in, this one too."""
        given = PasswordChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.change_password(
            user_id_of(request), **given.validated_data, ip=client_address(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(PublicView):
    throttle_classes = (PasswordResetThrottle,)

    @extend_schema(
        operation_id="passwords_reset",
        tags=["Accounts"],
        request=PasswordResetInput,
        responses={202: AcceptedOutput},
    )
    def post(self, request: Request) -> Response:
        """Have a link to set a new password mailed. The answer is the same if there is no such account."""
        given = PasswordResetInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.request_reset(given.validated_data["email"])
        return Response(_MAILED, status=status.HTTP_202_ACCEPTED)


class PasswordResetConfirmView(PublicView):
    @extend_schema(
        operation_id="passwords_reset_confirm",
        tags=["Accounts"],
        extensions=may_answer(errors.LinkInvalid),
        request=NewPasswordInput,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """Set a new password by the token that was mailed. It ends every log-in."""
        given = NewPasswordInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.confirm_reset(
            token=given.validated_data["token"], password=given.validated_data["new_password"]
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
