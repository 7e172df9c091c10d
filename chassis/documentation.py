"""The service's own OpenAPI document, for the page at /docs and for tools."""

import threading
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis.reads import digest

_CACHED: Final = "public, max-age=300"
"""As long as static files: a page, its script and the document that it shows are of about one time."""

_making: Final = threading.Lock()


class DocumentView(APIView):
    """Open to everyone; with a token or without, valid or not."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> HttpResponseBase:
        """Answer what `make contracts` writes into contracts/openapi, byte for byte."""
        return cached(request, document(), content_type="application/yaml")  # RFC 9512


def document() -> bytes:
    """Return the document of the public paths as YAML. Asks no database; made once in a process."""
    with _making:
        return _make()


@cache
def _make() -> bytes:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    text: bytes = OpenApiYamlRenderer().render(schema, renderer_context={})  # type: ignore[no-untyped-call]
    return text


def cached(request: Request, body: bytes, **options: Any) -> HttpResponseBase:
    """Return an answer that is the same for everyone, or 304 where the caller has it."""
    etag = f'"{digest(body)}"'
    response = HttpResponse(body, **options)
    response["Cache-Control"] = _CACHED
    response["ETag"] = etag
    plain: HttpRequest = request._request  # noqa: SLF001 -- DRF's request, unwrapped
    found = get_conditional_response(plain, etag=etag, response=response)
    return found or response
