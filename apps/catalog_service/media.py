"""Pictures of products, served from MEDIA_ROOT."""

import os
from pathlib import Path
from typing import Final

from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils._os import safe_join
from django.utils.http import http_date, parse_http_date_safe
from rest_framework import status
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.catalog_service import conf
from chassis.errors import NotFound

# Not by the machine's own table of types, which differs from one to the next.
_TYPES: Final = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    # A picture runs nothing, whoever uploaded it.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


class PictureView(APIView):
    """Open to everyone, with a token or without, valid or not."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Answer a file below MEDIA_ROOT that is a picture; 304 where the client has it."""
        file = _find(path)
        content_type = _TYPES.get(file.suffix.lower())
        if content_type is None:
            raise NotFound("There is no such picture")
        try:
            content = file.open("rb")
        except (OSError, ValueError) as error:
            raise NotFound("There is no such picture") from error
        modified = int(os.fstat(content.fileno()).st_mtime)
        headers = {**_HEADERS, "Last-Modified": http_date(modified)}
        since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
        if since is not None and modified <= since:
            content.close()
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return FileResponse(content, content_type=content_type, headers=headers)


def _find(path: str) -> Path:
    """Return the path below MEDIA_ROOT, links followed.

    Raises:
        NotFound: it is elsewhere, or no path at all.
    """
    try:
        folder = conf.media_folder().resolve()
        file = Path(safe_join(folder, path)).resolve()
    except (SuspiciousFileOperation, OSError, RuntimeError, ValueError) as error:
        raise NotFound("There is no such picture") from error
    if not file.is_relative_to(folder):
        raise NotFound("There is no such picture")
    return file
