"""The page at /docs: the OpenAPI documents of all services, to read and to try out (ADR 0042)."""

from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpResponseBase
from django.template.loader import render_to_string
from django.views.generic import RedirectView
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis.documentation import cached

PATH: Final = "/docs"

# Its own files and its own origin, and no more: what a document says runs nothing, frames nothing and calls nobody else.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocumentationPage(APIView):
    """Open to everyone. It is the same for all, whatever the query string says."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> HttpResponseBase:
        """Answer the page, or 304."""
        response = cached(request, _page(), content_type="text/html; charset=utf-8")
        response["Content-Security-Policy"] = _POLICY
        return response


class WithSlash(RedirectView):
    """Leads who adds a slash to the page; where to is no matter of what was asked."""

    url = PATH
    http_method_names = ["get", "head"]


@cache
def _page() -> bytes:
    services = [
        {"name": name, "label": label, "url": f"{PATH}/openapi/{name}.yaml"}
        for name, label in settings.API_LABELS.items()
    ]
    values = {"services": services, "admin": settings.ADMIN_PATH}
    return render_to_string("accounts/pages/documentation.html", values).encode()
