"""Users, as an admin sees and changes them."""

from typing import Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth_service import errors, selectors
from apps.auth_service.api.views import user_id_of
from apps.auth_service.models import Role
from apps.auth_service.serializers import (
    AccessInput,
    UserFilterInput,
    UserListOutput,
    UserOutput,
)
from apps.auth_service.services import accounts
from chassis import pagination
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.tokens.authentication import IsAdmin

_NEWEST_FIRST: Final = pagination.Order(("-id",))


class UserListView(APIView):
    permission_classes = (IsAdmin,)

    @extend_schema(
        operation_id="users_list",
        tags=["Users"],
        parameters=[
            UserFilterInput,
            *PAGE_PARAMETERS,
        ],
        responses=UserListOutput,
    )
    def get(self, request: Request) -> Response:
        """List users. The newest comes first: all, or those of a role or activity."""
        given = UserFilterInput(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        role, is_active = given.validated_data.get("role"), given.validated_data["is_active"]
        found = pagination.page(
            selectors.list_users(role=role, is_active=is_active),
            order=_NEWEST_FIRST,
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
            scope=f"{role}|{is_active}",
        )
        results = [UserOutput(user).data for user in found.rows]
        return Response(pagination.envelope(request, found, results))


class UserView(APIView):
    permission_classes = (IsAdmin,)

    @extend_schema(
        operation_id="users_read",
        tags=["Users"],
        extensions=may_answer(NotFound),
        responses=UserOutput,
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """Read a user."""
        return Response(UserOutput(selectors.get_user(user_id)).data)

    @extend_schema(
        operation_id="users_change",
        tags=["Users"],
        extensions=may_answer(NotFound, errors.OwnAccount),
        request=AccessInput,
        responses=UserOutput,
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change a user's role or activity. Admins cannot change their own."""
        given = AccessInput(data=request.data)
        given.is_valid(raise_exception=True)
        role = given.validated_data.get("role")
        change = accounts.AccessChange(
            role=None if role is None else Role(role),
            is_active=given.validated_data.get("is_active"),
        )
        user = accounts.change_access(user_id, change=change, by=user_id_of(request))
        return Response(UserOutput(user).data)
