"""Pictures of products: uploaded by staff. Everyone sees them where `image_url` says."""

from typing import IO, Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service import conf, errors
from apps.catalog_service.api.editing import staff_answer
from apps.catalog_service.api.views import NOTHING, user_id
from apps.catalog_service.errors import PictureInvalid
from apps.catalog_service.serializers.products import ProductOutput
from apps.catalog_service.services import pictures as services
from chassis import json
from chassis.errors import NotFound
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsStaff

_TYPES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")


class _PictureParser(BaseParser):
    """Takes a body as it is."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        return json.read_body(stream, longest=conf.LONGEST_PICTURE)


def _parser_of(content_type: str) -> type[BaseParser]:
    return type("PictureParser", (_PictureParser,), {"media_type": content_type})


class ImageView(APIView):
    permission_classes = [IsStaff]
    parser_classes = [_parser_of(content_type) for content_type in _TYPES]

    @extend_schema(
        operation_id="products_image_replace",
        tags=["Products"],
        extensions=may_answer(NotFound, errors.PictureInvalid, errors.StorageUnavailable),
        summary="Upload a product's picture",
        description="Its bytes are the body: at most 8 MiB and 40 megapixels.",
        request=dict.fromkeys(_TYPES, OpenApiTypes.BINARY),
        responses=ProductOutput,
    )
    def put(self, request: Request, slug: str) -> Response:
        content: object = request.data
        if not isinstance(content, bytes):  # no body: DRF asks no parser then
            raise PictureInvalid("The body is empty")
        product = services.store(slug=slug, content=content, by=user_id(request))
        return staff_answer(product.id)

    @extend_schema(
        operation_id="products_image_remove",
        tags=["Products"],
        extensions=may_answer(NotFound),
        summary="Leave a product without a picture",
        responses={204: NOTHING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        services.remove(slug=slug, by=user_id(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
