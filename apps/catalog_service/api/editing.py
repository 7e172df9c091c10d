"""Edits of a product that someone else may have changed meanwhile (RFC 9110 section 13.1.1, ADR 0024)."""

import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service.errors import IfMatchMalformed, VersionConflict
from apps.catalog_service.selectors import products as selectors
from chassis import json, reads

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETags of the product, or *: 412 where it is of none of these versions by now",
)

_ETAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST: Final = re.compile(rf"[ \t,]*{_ETAG}(?:[ \t]*,[ \t,]*{_ETAG})*[ \t,]*")


def read_if_match(request: Request) -> Collection[int] | None:
    """Return the versions that If-Match names; None for any.

    Raises:
        IfMatchMalformed: it is no list of ETags. To take it for none would lose another's edit.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip(" \t") != "*" and not _LIST.fullmatch(header):
        raise IfMatchMalformed('It is * or as "7.0123abcd", a product\'s ETag')
    return selectors.etag_version(header)


def staff_answer(product_id: UUID, *, status_code: int = status.HTTP_200_OK) -> Response:
    """Answer a product as staff see it, with its ETag."""
    version, view = selectors.find_with_version(id=product_id, is_staff=True)
    return Response(view, status=status_code, headers={"ETag": _etag(version, view)})


def _etag(version: int, view: object) -> str:
    return selectors.etag_of(version, reads.digest(json.encode(view)))


class EditedView(APIView):
    """Whoever came too late is told the ETag that the product has now."""

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, VersionConflict):
            found = selectors.find_with_version(slug=self.kwargs["slug"], is_staff=True)
            response["ETag"] = _etag(*found)
        return response
