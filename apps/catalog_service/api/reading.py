"""Reads of products."""

import hashlib

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog_service.api.views import RevalidatedView, is_staff
from apps.catalog_service.selectors import products
from apps.catalog_service.serializers.filters import ProductFilterSerializer
from apps.catalog_service.serializers.products import ProductListOutput, ProductOutput
from chassis import json, pagination


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


class ProductListView(RevalidatedView):
    """Reads the list."""

    @extend_schema(
        operation_id="products_list",
        summary="List and search products; staff see drafts and archived ones too",
        parameters=[
            ProductFilterSerializer,
            OpenApiParameter("limit", int, description="1 to 100, by default 20"),
            OpenApiParameter("cursor", str, description="From next or previous of another page"),
        ],
        responses=ProductListOutput,
    )
    def get(self, request: Request) -> Response:
        given = ProductFilterSerializer(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        filters = dict(given.validated_data)
        sort = filters.pop("sort", None) or ("relevance" if filters.get("q") else "-created_at")
        staff = is_staff(request)
        found = products.filter_products(products.visible_products(is_staff=staff), **filters)
        columns = [*products.FIELDS, *(["rank"] if sort == "relevance" else [])]
        page = pagination.page(
            found.values(*columns),
            order=products.SORTS[sort],
            limit=pagination.read_limit(request),
            cursor=request.query_params.get("cursor"),
            scope=_digest(json.encode(sorted(filters.items()))),
        )
        results = [products.product_view(row, is_staff=staff) for row in page.rows]
        return Response(pagination.envelope(request, page, results))


class ProductDetailView(RevalidatedView):
    """Reads one product."""

    @extend_schema(
        operation_id="products_read",
        summary="Read a product; 304 where If-None-Match names its ETag",
        responses={
            200: ProductOutput,
            304: OpenApiResponse(description="Not modified"),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        view = products.find_product(slug=slug, is_staff=is_staff(request))
        body = json.encode(view)
        etag = f'"{_digest(body)}"'
        headers = {"ETag": etag}
        offered = parse_etags(request.headers.get("If-None-Match", ""))
        if etag in offered or f"W/{etag}" in offered or "*" in offered:
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)
