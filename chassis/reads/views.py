"""Views whose reads go past DRF."""

from abc import ABC, abstractmethod
from functools import update_wrapper
from typing import Any, Final, NoReturn

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from chassis.reads.answers import METHODS
from chassis.tokens.authentication import TokenAuthentication
from chassis.tokens.principal import Principal

_authentication: Final = TokenAuthentication()


def caller(request: HttpRequest) -> Principal | None:
    """Return who the request's token speaks for; None where it shows none.

    Raises:
        InvalidToken: it is not valid.
        KeysUnknown: the process has no keys or no deny list yet.
    """
    if "HTTP_AUTHORIZATION" not in request.META:
        return None
    known = _authentication.authenticate(request)  # type: ignore[arg-type]  # reads META alone
    return known[0] if known else None


class FastReads(APIView, ABC):
    """A view whose reads are answered by `read`, without DRF's request, negotiation and rendering.

    What `read` raises is answered by DRF, as everywhere: the method `get`, which documents the
    read, calls `refuse`.
    """

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        """Return the view's function."""
        through_drf = super().as_view(**options)
        reader = cls(**options)

        def view(request: HttpRequest, **key: Any) -> HttpResponseBase:
            if request.method not in METHODS:
                return through_drf(request, **key)
            try:
                return reader.read(request, **key)
            except Exception as error:  # noqa: BLE001 -- all of it goes to the service's handler
                request.refusal = error  # type: ignore[attr-defined]
                return through_drf(request, **key)

        # Who asks the function finds the class and its marks there, as with any of DRF's.
        return update_wrapper(view, through_drf)

    @abstractmethod
    def read(self, request: HttpRequest, **key: Any) -> HttpResponse:
        """Answer GET and HEAD; for several threads."""

    def refuse(self, request: Request) -> NoReturn:
        """Raise what the read of this request raised."""
        raise request._request.refusal  # type: ignore[attr-defined]  # noqa: SLF001 -- DRF's wraps Django's
