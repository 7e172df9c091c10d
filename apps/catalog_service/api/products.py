"""Products: read by everyone, written by staff."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog_service import errors
from apps.catalog_service.api.editing import IF_MATCH, EditedView, read_if_match, staff_answer
from apps.catalog_service.api.reading import ProductDetailView, ProductListView
from apps.catalog_service.api.views import NOTHING, user_id
from apps.catalog_service.serializers.products import ProductInput, ProductOutput, ProductPatch
from apps.catalog_service.services import products as services
from chassis.errors import NotFound
from chassis.openapi import may_answer


class ProductsView(ProductListView):
    """Adds to the list."""

    @extend_schema(
        operation_id="products_create",
        tags=["Products"],
        extensions=may_answer(errors.UnknownCategory, errors.SkuTaken, errors.SlugTaken),
        summary="Add a product",
        description="Its stock begins at 0.",
        request=ProductInput,
        responses={201: ProductOutput},
    )
    def post(self, request: Request) -> Response:
        given = ProductInput(data=request.data)
        given.is_valid(raise_exception=True)
        product = services.create_product(given.validated_data, by=user_id(request))
        answer = staff_answer(product.id, status_code=status.HTTP_201_CREATED)
        answer["Location"] = f"/api/v1/catalog/products/{product.slug}"
        return answer


class ProductView(EditedView, ProductDetailView):
    """Changes one product."""

    @extend_schema(
        operation_id="products_change",
        tags=["Products"],
        extensions=may_answer(
            NotFound,
            errors.UnknownCategory,
            errors.SlugTaken,
            errors.VersionConflict,
            errors.IfMatchMalformed,
        ),
        summary="Change some fields of a product",
        description="Fields that are none of these are passed over; another sku than it has is refused.",
        parameters=[IF_MATCH],
        request=ProductPatch(partial=True),
        responses=ProductOutput,
    )
    def patch(self, request: Request, slug: str) -> Response:
        given = ProductPatch(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        product = services.update_product(
            slug=slug,
            values=given.validated_data,
            by=user_id(request),
            if_versions=read_if_match(request),
        )
        return staff_answer(product.id)

    @extend_schema(
        operation_id="products_archive",
        tags=["Products"],
        extensions=may_answer(NotFound, errors.VersionConflict, errors.IfMatchMalformed),
        summary="Take a product off sale",
        parameters=[IF_MATCH],
        responses={204: NOTHING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        services.archive_product(slug=slug, by=user_id(request), if_versions=read_if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
