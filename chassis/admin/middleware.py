"""Django's middlewares for the admin's paths; every other path goes straight through."""

from typing import cast

from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase

from chassis.admin.signon import ADMIN_PREFIX


class AdminSessionMiddleware(SessionMiddleware):
    """Gives a session to requests of the admin: messages are kept in it."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, with a session or without."""
        if request.path.startswith(ADMIN_PREFIX):
            return cast("HttpResponseBase", super().__call__(request))
        return cast("HttpResponseBase", self.get_response(request))


class AdminMessageMiddleware(MessageMiddleware):
    """Shows on the next page what an action did."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, with messages or without."""
        if request.path.startswith(ADMIN_PREFIX):
            return cast("HttpResponseBase", super().__call__(request))
        return cast("HttpResponseBase", self.get_response(request))
