"""The API of the catalog service."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service import errors, selectors, serializers
from apps.catalog_service.services import categories, products, reservations, stock
from apps.catalog_service.services.reservations import WantedLine
from chassis import json, pagination
from chassis.errors import NotFound, PublicError
from chassis.tokens.authentication import (
    IsStaff,
    IsStaffOrReadOnly,
    ServiceAuthentication,
    has_scope,
)
from chassis.tokens.principal import Principal

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    NotFound: status.HTTP_404_NOT_FOUND,
    errors.UnknownCategory: status.HTTP_422_UNPROCESSABLE_ENTITY,
    errors.SkuTaken: status.HTTP_409_CONFLICT,
    errors.SlugTaken: status.HTTP_409_CONFLICT,
    errors.CategoryInUse: status.HTTP_409_CONFLICT,
    errors.CategoryCycle: status.HTTP_409_CONFLICT,
    errors.StockShort: status.HTTP_409_CONFLICT,
    errors.StockFull: status.HTTP_409_CONFLICT,
    errors.OutOfStock: status.HTTP_409_CONFLICT,
    errors.ReservationMismatch: status.HTTP_409_CONFLICT,
    errors.ReservationClosed: status.HTTP_409_CONFLICT,
    errors.UnknownSku: status.HTTP_422_UNPROCESSABLE_ENTITY,
}
_NOTHING: Final = OpenApiResponse(description="Done")


def _is_staff(request: Request) -> bool:
    return bool(getattr(request.user, "is_staff", False))


def _actor(request: Request) -> str:
    return f"user:{cast('Principal', request.user).subject}"


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


class RevalidatedView(APIView):
    """What it answers, errors too, depends on who asks and may differ the next time."""

    permission_classes = [IsStaffOrReadOnly]

    @property
    def default_response_headers(self) -> dict[str, Any]:
        return {
            **super().default_response_headers,
            "Cache-Control": "no-cache",
            "Vary": "Authorization",
        }


class ProductsView(RevalidatedView):
    @extend_schema(
        operation_id="products_list",
        summary="List and search products; staff see drafts and archived ones too",
        parameters=[
            serializers.ProductFilterSerializer,
            OpenApiParameter("limit", int, description="1 to 100, by default 20"),
            OpenApiParameter("cursor", str, description="From next or previous of another page"),
        ],
        responses=serializers.ProductListOutput,
    )
    def get(self, request: Request) -> Response:
        given = serializers.ProductFilterSerializer(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        filters = dict(given.validated_data)
        sort = filters.pop("sort", None) or ("relevance" if filters.get("q") else "-created_at")
        is_staff = _is_staff(request)
        found = selectors.filter_products(selectors.visible_products(is_staff=is_staff), **filters)
        columns = [*selectors.FIELDS, *(["rank"] if sort == "relevance" else [])]
        page = pagination.page(
            found.values(*columns),
            order=selectors.SORTS[sort],
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
            scope=_digest(json.encode(sorted(filters.items()))),
        )
        results = [selectors.product_view(row, is_staff=is_staff) for row in page.rows]
        return Response(pagination.envelope(request, page, results))

    @extend_schema(
        operation_id="products_create",
        summary="Add a product; its stock begins at 0",
        request=serializers.ProductInput,
        responses={201: serializers.ProductOutput},
    )
    def post(self, request: Request) -> Response:
        given = serializers.ProductInput(data=request.data)
        given.is_valid(raise_exception=True)
        product = products.create_product(given.validated_data)
        return Response(
            selectors.find_product(id=product.id, is_staff=True),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/catalog/products/{product.slug}"},
        )


class ProductView(RevalidatedView):
    @extend_schema(
        operation_id="products_read",
        summary="Read a product; 304 where If-None-Match names its ETag",
        responses={
            200: serializers.ProductOutput,
            304: OpenApiResponse(description="Not modified"),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        view = selectors.find_product(slug=slug, is_staff=_is_staff(request))
        body = json.encode(view)
        etag = f'"{_digest(body)}"'
        headers = {"ETag": etag}
        offered = parse_etags(request.headers.get("If-None-Match", ""))
        if etag in offered or f"W/{etag}" in offered or "*" in offered:
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)

    @extend_schema(
        operation_id="products_change",
        summary="Change some fields of a product",
        request=serializers.ProductPatch(partial=True),
        responses=serializers.ProductOutput,
    )
    def patch(self, request: Request, slug: str) -> Response:
        given = serializers.ProductPatch(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        product = products.update_product(slug=slug, values=given.validated_data)
        return Response(selectors.find_product(id=product.id, is_staff=True))

    @extend_schema(
        operation_id="products_archive",
        summary="Take a product off sale",
        responses={204: _NOTHING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        products.archive_product(slug=slug)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StockView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_read",
        summary="Read a product's stock",
        responses=serializers.StockOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(selectors.find_stock(slug))


class AdjustmentsView(APIView):
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="stock_adjust",
        summary="Add pieces to a product's stock, or take unreserved ones away",
        request=serializers.AdjustmentInput,
        responses={201: serializers.StockOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        given = serializers.AdjustmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        stock.adjust_stock(slug=slug, actor=_actor(request), **given.validated_data)
        return Response(selectors.find_stock(slug), status=status.HTTP_201_CREATED)


class CategoriesView(RevalidatedView):
    @extend_schema(
        operation_id="categories_tree",
        summary="Read the tree of categories",
        responses=serializers.CategoryTreeOutput,
    )
    def get(self, request: Request) -> Response:
        return Response({"results": selectors.category_tree()})

    @extend_schema(
        operation_id="categories_create",
        summary="Add a category",
        request=serializers.CategoryInput,
        responses={201: serializers.CategoryOutput},
    )
    def post(self, request: Request) -> Response:
        given = serializers.CategoryInput(data=request.data)
        given.is_valid(raise_exception=True)
        category = categories.create_category(given.validated_data)
        return Response(
            selectors.find_category(id=category.id),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/catalog/categories/{category.slug}"},
        )


class CategoryView(RevalidatedView):
    @extend_schema(
        operation_id="categories_read",
        summary="Read a category",
        responses=serializers.CategoryOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(selectors.find_category(slug=slug))

    @extend_schema(
        operation_id="categories_change",
        summary="Change a category's name, slug or parent",
        request=serializers.CategoryInput(partial=True),
        responses=serializers.CategoryOutput,
    )
    def patch(self, request: Request, slug: str) -> Response:
        given = serializers.CategoryInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        category = categories.update_category(slug=slug, values=given.validated_data)
        return Response(selectors.find_category(id=category.id))

    @extend_schema(
        operation_id="categories_delete",
        summary="Take away an empty category",
        responses={204: _NOTHING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        categories.delete_category(slug=slug)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReservationView(APIView):
    """For services only, behind the private entry point."""

    authentication_classes = [ServiceAuthentication]
    permission_classes = [has_scope("stock:reserve")]

    def get(self, request: Request, order_id: UUID) -> Response:
        """Read an order's reservation and what became of it."""
        found = selectors.find_reservation(order_id)
        return Response({**selectors.reservation_view(found), "status": found.status})

    def put(self, request: Request, order_id: UUID) -> Response:
        """Reserve stock for an order: 201 the first time, 200 when repeated."""
        given = serializers.ReservationInput(data=request.data)
        given.is_valid(raise_exception=True)
        lines = [
            WantedLine(line["sku"], line["quantity"], index)
            for index, line in enumerate(given.validated_data["lines"])
        ]
        reserved = reservations.reserve(order_id=order_id, lines=lines)
        made = status.HTTP_201_CREATED if reserved.is_new else status.HTTP_200_OK
        return Response(reserved.view, status=made)

    def delete(self, request: Request, order_id: UUID) -> Response:
        """Release an order's reservation; one that was never made cannot be made any more."""
        reservations.release_reservation(order_id=order_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
