"""Where the attacks go: one path of each service that is open to staff, and what a refusal is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

SERVICES: Final = ("auth", "catalog", "order")


@dataclass(frozen=True, slots=True)
class Target:
    """A path of a service behind the gateway."""

    service: str
    path: str
    http: httpx.Client = field(repr=False)

    def ask(
        self, *authorization: str | bytes, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Read, with as many Authorization headers as there are values."""
        values = [value.encode() if isinstance(value, str) else value for value in authorization]
        request = self.http.build_request("GET", self.path, params=query)
        # httpx would keep one of several headers of a name.
        own = [(b"Authorization", value) for value in values]
        request.headers = httpx.Headers([*request.headers.raw, *own])
        return self.http.send(request)

    def show(self, token: str | bytes) -> httpx.Response:
        """Read with a token."""
        return self.ask(b"Bearer " + (token.encode() if isinstance(token, str) else token))


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    """Fail unless a service of ours answered with this problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem


def assert_refused(answer: httpx.Response) -> None:
    """Fail unless the token was refused, as RFC 6750 section 3.1 says, and not why."""
    assert_problem(answer, 401, "token-invalid")
    assert answer.headers.get_list("WWW-Authenticate") == ['Bearer error="invalid_token"']


def assert_challenged(answer: httpx.Response) -> None:
    """Fail unless no token was seen (RFC 6750 section 3.1: then no error is told)."""
    assert_problem(answer, 401, "authentication-required")
    assert answer.headers.get_list("WWW-Authenticate") == ['Bearer realm="souk"']
