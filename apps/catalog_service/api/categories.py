"""The tree of categories: read by everyone, written by staff."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog_service import errors
from apps.catalog_service.api.views import NOTHING, RevalidatedView, user_id
from apps.catalog_service.selectors import categories as selectors
from apps.catalog_service.serializers.categories import (
    CategoryInput,
    CategoryOutput,
    CategoryTreeOutput,
)
from apps.catalog_service.services import categories as services
from chassis.errors import NotFound
from chassis.openapi import may_answer


class CategoriesView(RevalidatedView):
    @extend_schema(
        operation_id="categories_tree",
        tags=["Categories"],
        summary="Read the tree of categories",
        responses=CategoryTreeOutput,
    )
    def get(self, request: Request) -> Response:
        return Response({"results": selectors.category_tree()})

    @extend_schema(
        operation_id="categories_create",
        tags=["Categories"],
        extensions=may_answer(errors.UnknownCategory, errors.SlugTaken, errors.CategoryTooDeep),
        summary="Add a category",
        request=CategoryInput,
        responses={201: CategoryOutput},
    )
    def post(self, request: Request) -> Response:
        given = CategoryInput(data=request.data)
        given.is_valid(raise_exception=True)
        category = services.create_category(given.validated_data, by=user_id(request))
        return Response(
            selectors.find_category(id=category.id),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/catalog/categories/{category.slug}"},
        )


class CategoryView(RevalidatedView):
    @extend_schema(
        operation_id="categories_read",
        tags=["Categories"],
        extensions=may_answer(NotFound),
        summary="Read a category",
        responses=CategoryOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(selectors.find_category(slug=slug))

    @extend_schema(
        operation_id="categories_change",
        tags=["Categories"],
        extensions=may_answer(
            NotFound,
            errors.UnknownCategory,
            errors.SlugTaken,
            errors.CategoryCycle,
            errors.CategoryTooDeep,
        ),
        summary="Change a category's name, slug or parent",
        request=CategoryInput(partial=True),
        responses=CategoryOutput,
    )
    def patch(self, request: Request, slug: str) -> Response:
        given = CategoryInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        category = services.update_category(
            slug=slug, values=given.validated_data, by=user_id(request)
        )
        return Response(selectors.find_category(id=category.id))

    @extend_schema(
        operation_id="categories_delete",
        tags=["Categories"],
        extensions=may_answer(NotFound, errors.CategoryInUse),
        summary="Take away an empty category",
        responses={204: NOTHING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        services.delete_category(slug=slug, by=user_id(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
