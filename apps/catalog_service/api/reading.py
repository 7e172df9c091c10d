"""Reads of products. What everyone sees is kept, and given again while the catalogue is the same (ADR 0021)."""

from abc import abstractmethod
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog_service.api.views import RevalidatedView
from apps.catalog_service.selectors import listing, products
from apps.catalog_service.serializers.filters import (
    ATTRIBUTE,
    ListParameters,
    ProductListOutput,
    read_parameters,
)
from apps.catalog_service.serializers.products import ProductOutput
from chassis import json, pagination
from chassis.errors import NotFound
from chassis.openapi import PAGE_PARAMETERS, may_answer
from chassis.reads import Answer, Answers, FastReads, caller, digest, respond

_KEPT_BYTES: Final = 32 * 1024 * 1024

answers: Final = Answers(
    _KEPT_BYTES, path="/api/v1/catalog/products", version=products.CATALOG_VERSION
)
"""What this process has answered to those who see what everyone sees (the setting KEPT_READS)."""

_NOT_MODIFIED: Final = OpenApiResponse(description="Not modified")
_IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of an earlier answer"
)


class ProductReads(FastReads, RevalidatedView):
    """Answers from memory where nothing of the catalogue has changed; one small query tells."""

    def read(self, request: HttpRequest, **key: Any) -> HttpResponse:
        """Answer the caller; staff see more, and what they see is not kept."""
        who = caller(request)
        if who is not None and who.is_staff:
            return respond(request, self.make(request, is_staff=True, **key), public=False)
        answer = answers.give(request, lambda: self.make(request, is_staff=False, **key))
        return respond(request, answer, public=who is None)

    @abstractmethod
    def make(self, request: HttpRequest, *, is_staff: bool, **key: Any) -> Answer:
        """Return the answer as the database has it."""


class ProductListView(ProductReads):
    """Reads the list."""

    @extend_schema(
        operation_id="products_list",
        tags=["Products"],
        summary="List and search products",
        description="Staff see drafts and archived ones too.",
        parameters=[
            ListParameters,
            OpenApiParameter(
                f"{ATTRIBUTE}color",
                str,
                description="Products whose attribute `color` is this text, number, true or false;"
                " any other attribute likewise, up to ten at once",
            ),
            OpenApiParameter(
                "fields",
                str,
                description=f"Show these alone, separated by commas: {', '.join(listing.FIELDS)}",
            ),
            *PAGE_PARAMETERS,
            _IF_NONE_MATCH,
        ],
        responses={200: ProductListOutput, 304: _NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        self.refuse(request)

    def make(self, request: HttpRequest, *, is_staff: bool, **key: Any) -> Answer:
        given = request.GET.dict()
        asked = read_parameters(given)
        page = listing.list_products(
            asked.filters,
            sort=asked.sort,
            limit=pagination.limit_of(given),
            cursor=given.get("cursor"),
            is_staff=is_staff,
            fields=asked.fields,
        )
        body = json.encode(pagination.envelope(request, page, page.rows))
        return Answer(body, f'"{digest(body)}"')


class ProductDetailView(ProductReads):
    """Reads one product."""

    @extend_schema(
        operation_id="products_read",
        tags=["Products"],
        extensions=may_answer(NotFound),
        summary="Read a product",
        description="304 where If-None-Match names its ETag.",
        parameters=[_IF_NONE_MATCH],
        responses={200: ProductOutput, 304: _NOT_MODIFIED},
    )
    def get(self, request: Request, slug: str) -> Response:
        self.refuse(request)

    def make(self, request: HttpRequest, *, is_staff: bool, **key: Any) -> Answer:
        version, view = products.find_with_version(is_staff=is_staff, **key)
        body = json.encode(view)
        return Answer(body, products.etag_of(version, digest(body)))
