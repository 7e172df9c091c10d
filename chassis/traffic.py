"""What a web process counts of its requests (chassis.metrics tells it).

The labels are few: methods that HTTP names, routes in code, classes of statuses.
"""

import re
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest
from prometheus_client import Gauge, Histogram

_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"}
)
_OTHER: Final = "_OTHER"
"""What OpenTelemetry calls a method that HTTP does not name."""
# A converter (<uuid:order_id>) or a group of a regular expression ((?P<url>.*)).
_PART: Final = re.compile(r"\(\?P<(?P<group>[^>]+)>[^)]*\)|<(?:[^>:]+:)?(?P<converted>[^>]+)>")

_SECONDS: Final = Histogram(
    "souk_http_request_seconds",
    "Requests that were answered, but for health checks; no route is a path that no view has.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_IN_FLIGHT: Final = Gauge(
    "souk_http_requests_in_flight", "Requests that Django is at; more wait where all threads are."
)


def known(method: str) -> str:
    """Return a method as HTTP names it, or one name for all that it does not."""
    return method if method in _METHODS else _OTHER


def route_of(request: HttpRequest) -> str:
    """Return the template of the path that a view was found by; nothing where none was."""
    match = request.resolver_match
    return "" if match is None else _template(match.route)


@lru_cache(maxsize=1024)
def _template(route: str) -> str:
    """Return Django's route as OpenTelemetry writes it: /api/v1/orders/{order_id}."""
    plain = _PART.sub(lambda part: f"{{{part['group'] or part['converted']}}}", route)
    return "/" + plain.translate({ord("^"): None, ord("$"): None})


def in_flight() -> Any:
    """Count what runs in the block."""
    return _IN_FLIGHT.track_inprogress()


@lru_cache(maxsize=4096)
def _series(method: str, route: str, status: int) -> Any:
    # What prometheus_client finds a series by takes longer than what it counts.
    return _SECONDS.labels(method, route, f"{status // 100}xx")


def count(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    _series(known(method), route, status).observe(seconds)
