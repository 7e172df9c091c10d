"""No way of writing a path, a method or a host leads past the routes to what only services ask."""

from urllib.parse import unquote

import pytest

from tests.gateway.running import Answer, Gateway

INTERNAL = "/internal/v1/service-tokens"


def assert_kept_out(souk: Gateway, answer: Answer) -> None:
    """Fail if a server saw anything but the path that stands for no route."""
    assert answer.status in {200, 400, 404}
    assert [path for _, _, path in souk.seen()] in ([], ["/unrouted"]), souk.seen()
    if answer.status == 200:
        assert answer.told["headers"]["x-replaced-path"]


class TestPathsOfServices:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize(
        "path",
        [
            INTERNAL,
            "/internal",
            "/internal/",
            "/INTERNAL/v1/service-tokens",
            "//internal/v1/service-tokens",
            "///internal/v1/service-tokens",
            "/./internal/v1/service-tokens",
            "/api/../internal/v1/reservations/1",
            "/api/v1/catalog/../../../internal/v1/reservations/1",
            "/api/v1/catalog/..%2f..%2f..%2finternal/v1/reservations/1",
            "/api/v1/catalog/%2e%2e/%2e%2e/%2e%2e/internal/v1/reservations/1",
            "/api/v1/catalog/%2E%2E/.%2e/%2e./internal/v1/reservations/1",
            "/api/v1/catalog/%252e%252e/%252e%252e/internal",
            "/api/v1/catalog/%252finternal",
            "/api/v1/catalog/..\\..\\internal",
            "/api/v1/catalog/..%5c..%5cinternal",
            "/api/v1/catalog/%3b/../../../../internal",
            "/api/v1/catalog/x%00/../../../../internal",
            "/api/v1/catalog/x%3f/../../../../internal",
            "/static/catalog/../../internal/v1/reservations/1",
            "/docs/../internal/v1/reservations/1",
            "/%69nternal/v1/service-tokens",
            "/%2569nternal/v1/service-tokens",
            "/internal%2fv1%2fservice-tokens",
            "/catalog/internal/v1/reservations/1",
            "/auth/internal/v1/service-tokens",
            "/api/v1/authority",
            "/docs/else",
            "/health/ready",
            "/failed/502",
            "/unrouted",
            "/nothing/here",
            "/",
        ],
    )
    def test_are_reached_by_no_spelling(self, souk: Gateway, path: str, method: str) -> None:
        assert_kept_out(souk, souk.ask(path, method, headers={"Content-Length": "0"}))

    @pytest.mark.parametrize(
        "path", ["/api/v1/catalog;x/../internal", "/api/v1/orders/..;/..;/..;/internal"]
    )
    def test_keep_a_semicolon_that_is_part_of_a_name(self, souk: Gateway, path: str) -> None:
        souk.ask(path)
        for _, _, seen in souk.seen():
            assert not unquote(seen).startswith("/internal")
            assert ".." not in unquote(seen).split("/")

    def test_mean_the_same_to_the_gateway_and_to_the_service(self, souk: Gateway) -> None:
        told = souk.ask("/api/v1/catalog/x/../products//a/./b").told
        assert told["path"] == "/api/v1/catalog/products/a/b"


class TestRequestTargets:
    @pytest.mark.parametrize(
        "target",
        [
            f"http://catalog:8001{INTERNAL}",
            f"http://127.0.0.1:8001/auth{INTERNAL}",
            f"HTTP://x{INTERNAL}",
            "http://x//internal/v1/service-tokens",
        ],
    )
    def test_of_absolute_form_are_routed_by_their_path(self, souk: Gateway, target: str) -> None:
        answer = souk.send(f"GET {target} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n")
        assert_kept_out(souk, answer)

    @pytest.mark.parametrize("target", ["*", "internal/v1/x", "127.0.0.1:8001", "\\internal"])
    def test_of_other_forms_lead_nowhere(self, souk: Gateway, target: str) -> None:
        answer = souk.send(f"GET {target} HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert_kept_out(souk, answer)

    def test_connect_leads_nowhere(self, souk: Gateway) -> None:
        answer = souk.send("CONNECT auth:8000 HTTP/1.1\nHost: auth:8000\n\n")
        assert answer.status in {400, 404, 405, 501}
        assert souk.seen() == []


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["catalog", "127.0.0.1:8001", "private", "internal", "x/internal", "x?y", "[::1]"]
    )
    def test_change_no_route(self, souk: Gateway, host: str) -> None:
        assert_kept_out(souk, souk.ask(INTERNAL, headers={"Host": host}))

    @pytest.mark.parametrize(
        "name", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"]
    )
    def test_and_paths_are_not_taken_from_headers(self, souk: Gateway, name: str) -> None:
        told = souk.ask("/api/v1/orders", headers={name: INTERNAL}).told
        assert told["path"] == "/api/v1/orders"
        assert name.lower() not in told["headers"] or INTERNAL not in told["headers"][name.lower()]


class TestMethods:
    @pytest.mark.parametrize(
        "name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
    )
    def test_are_not_taken_from_headers(self, souk: Gateway, name: str) -> None:
        path = "/api/v1/catalog/products/lamp/image"
        given = {name: "PUT", "Content-Length": "0"}
        told = souk.ask(path, "POST", headers=given).told
        assert (told["method"], told["headers"].get(name.lower())) == ("POST", None)

    def test_of_a_long_upload_are_not_taken_from_headers(self, souk: Gateway) -> None:
        path = "/api/v1/catalog/products/lamp/image"
        given = {"X-HTTP-Method-Override": "PUT", "Content-Length": "1048577"}
        assert souk.ask(path, "POST", headers=given).status == 413


class TestRequestsThatHideAnother:
    @pytest.mark.parametrize(
        "headers",
        [
            "Content-Length: 0\nContent-Length: 44",
            "Content-Length: 4\nTransfer-Encoding: xchunked",
            "Transfer-Encoding: chunked\nTransfer-Encoding: identity",
            "Transfer-Encoding : chunked",
            "Content-Length: +44",
        ],
    )
    def test_are_refused(self, souk: Gateway, headers: str) -> None:
        hidden = f"GET {INTERNAL} HTTP/1.1\nHost: x\n\n"
        answer = souk.send(
            f"POST /api/v1/orders HTTP/1.1\nHost: x\nConnection: close\n{headers}\n\n{hidden}"
        )
        assert answer.status in {400, 501}
        assert souk.seen() == []

    def test_are_one_where_the_length_is_said_twice(self, souk: Gateway) -> None:
        """RFC 9112 section 6.3: chunked wins; nothing of the other goes on."""
        answer = souk.send(
            "POST /api/v1/orders HTTP/1.1\nHost: x\nConnection: close\n"
            "Content-Length: 4\nTransfer-Encoding: chunked\n\n"
            f"0\n\nGET {INTERNAL} HTTP/1.1\nHost: x\n\n"
        )
        assert answer.status in {200, 400}
        assert all(path == "/api/v1/orders" for _, _, path in souk.seen())
        assert len(souk.seen()) <= 1
