"""Which path leads to which service, and which leads nowhere."""

import pytest

from tests.gateway.conftest import Gateway


class TestPublicEntryPoint:
    @pytest.mark.parametrize(
        ("path", "service"),
        [
            ("/api/v1/auth/token", "auth"),
            ("/.well-known/jwks.json", "auth"),
            ("/admin/auth/", "auth"),
            ("/static/auth/admin.css", "auth"),
            ("/api/v1/catalog/products?q=tea", "catalog"),
            ("/admin/catalog/", "catalog"),
            ("/media/catalog/a.svg", "catalog"),
            ("/api/v1/orders", "order"),
            ("/api/v1/orders/1/payments", "order"),
            ("/api/v1/cart", "order"),
            ("/admin/orders/", "order"),
        ],
    )
    def test_leads_to_the_service_with_the_path_unchanged(
        self, souk: Gateway, path: str, service: str
    ) -> None:
        answer = souk.ask(path)
        assert (answer.told["backend"].removesuffix("-2"), answer.told["path"]) == (service, path)

    @pytest.mark.parametrize(
        "path",
        [
            "/internal/v1/service-tokens",
            "/internal/v1/reservations/1",
            "//internal/v1/service-tokens",
            "/./internal/v1/service-tokens",
            "/api/v1/catalog/../../../internal/v1/reservations/1",
            "/api/v1/catalog/..%2f..%2f..%2finternal/v1/reservations/1",
            "/api/v1/catalog/%2e%2e/%2e%2e/%2e%2e/internal/v1/reservations/1",
            "/api/v1/catalog/..\\..\\internal",
            "/%69nternal/v1/service-tokens",
            "/internal%2fv1%2fservice-tokens",
            "/catalog/internal/v1/reservations/1",
            "/auth/internal/v1/service-tokens",
            "/api/v1/authority",
            "/health/ready",
            "/nothing/here",
            "/",
        ],
    )
    def test_leads_nowhere_else(self, souk: Gateway, path: str) -> None:
        answer = souk.ask(path)
        assert answer.status in {200, 400, 404}
        assert [p for _, _, p in souk.seen()] in ([], ["/unrouted"]), souk.seen()
        if answer.status == 200:
            assert answer.told["headers"]["x-replaced-path"]

    @pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin?next=//elsewhere.example"])
    def test_leads_to_the_admin_of_accounts_where_none_is_named(
        self, souk: Gateway, path: str
    ) -> None:
        answer = souk.ask(path)
        assert (answer.status, answer.headers["location"]) == (302, "/admin/auth/")
        assert souk.seen() == []

    def test_replaces_what_a_client_says_of_its_address(self, souk: Gateway) -> None:
        told = souk.ask(
            "/api/v1/orders",
            headers={
                "X-Forwarded-For": "6.6.6.6",
                "X-Real-Ip": "6.6.6.6",
                "X_Forwarded_For": "6.6.6.6",
            },
        ).told["headers"]
        assert told["x-forwarded-for"] == "127.0.0.1"
        assert "6.6.6.6" not in str(told)

    def test_passes_the_request_id_and_the_trace_on(self, souk: Gateway) -> None:
        told = souk.ask(
            "/api/v1/orders", headers={"X-Request-ID": "abc", "traceparent": "00-1-2-01"}
        ).told["headers"]
        assert (told["x-request-id"], told["traceparent"]) == ("abc", "00-1-2-01")

    @pytest.mark.parametrize("name", ["X-Deadline-Ms", "x-deadline-ms", "X-Replaced-Path"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_takes_away_what_only_services_and_the_gateway_say(
        self, souk: Gateway, method: str, name: str
    ) -> None:
        headers = {name: "1", "Content-Length": "0", "X-Other": "2"}
        told = souk.ask("/api/v1/orders", method, headers=headers).told["headers"]
        assert (told.get(name.lower()), told["x-other"]) == (None, "2")

    def test_tells_the_replaced_path_itself(self, souk: Gateway) -> None:
        told = souk.ask("/nowhere", headers={"X-Replaced-Path": "/lie"}).told["headers"]
        assert told["x-replaced-path"] == "/nowhere"

    def test_adds_security_headers(self, souk: Gateway) -> None:
        headers = souk.ask("/api/v1/orders").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers

    @pytest.mark.parametrize("path", ["/api/v1/orders", "/nothing/here"])
    def test_lets_a_body_of_a_mebibyte_through_and_no_longer_one(
        self, souk: Gateway, path: str
    ) -> None:
        assert souk.ask(path, "POST", body=b"x" * 1_048_576).status == 200
        assert len(souk.seen()) == 1
        assert souk.ask(path, "POST", body=b"x" * 1_048_577).status == 413
        assert len(souk.seen()) == 1

    @pytest.mark.parametrize(
        ("method", "path", "mebibytes"),
        [
            ("PUT", "/api/v1/catalog/products/desk-lamp/image", 8),
            ("POST", "/admin/catalog/catalog/transfer/import", 65),
        ],
    )
    def test_lets_longer_bodies_through_where_staff_uploads(
        self, souk: Gateway, method: str, path: str, mebibytes: int
    ) -> None:
        longest = mebibytes * 1_048_576
        answer = souk.ask(path, method, body=b"x" * longest)
        assert (answer.status, answer.told["backend"]) == (200, "catalog")
        # Refused before a byte of it is sent.
        too_long = {"Content-Length": str(longest + 1)}
        assert souk.ask(path, method, headers=too_long).status == 413
        assert len(souk.seen()) == 1

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/v1/catalog/products/desk-lamp/image"),
            ("PUT", "/api/v1/catalog/products/a/b/image"),
            ("PUT", "/api/v1/catalog/products/desk-lamp/image/more"),
            ("PUT", "/api/v1/catalog/products/desk-lamp"),
            ("PUT", "/admin/catalog/catalog/product/"),
            ("POST", "/admin/auth/"),
            ("POST", "/admin/orders/"),
        ],
    )
    def test_lets_them_through_nowhere_else(self, souk: Gateway, method: str, path: str) -> None:
        too_long = {"Content-Length": str(1_048_577)}
        assert souk.ask(path, method, headers=too_long).status == 413
        assert souk.seen() == []

    def test_lets_headers_of_32_kib_through_and_no_longer_ones(self, souk: Gateway) -> None:
        assert souk.ask("/api/v1/orders", headers={"Cookie": "x" * 32_000}).status == 200
        # Go allows 4 KiB more than it is told.
        assert souk.ask("/api/v1/orders", headers={"Cookie": "x" * 40_000}).status == 431


class TestPrivateEntryPoint:
    @pytest.mark.parametrize("service", ["auth", "catalog", "order"])
    def test_takes_the_service_off_the_path(self, souk: Gateway, service: str) -> None:
        answer = souk.ask(f"/{service}/internal/v1/events?after=0", private=True)
        assert answer.told["backend"].removesuffix("-2") == service
        assert answer.told["path"] == "/internal/v1/events?after=0"

    @pytest.mark.parametrize("path", ["/internal/v1/events", "/api/v1/orders", "/"])
    def test_has_no_other_route(self, souk: Gateway, path: str) -> None:
        assert souk.ask(path, private=True).status == 404
        assert souk.seen() == []


class TestTwoServers:
    def test_share_the_requests(self, souk: Gateway) -> None:
        for _ in range(10):
            souk.ask("/api/v1/orders")
        assert len(souk.backends["order"].seen) == len(souk.backends["order-2"].seen) == 5

    def test_hide_a_broken_one_from_reads(self, souk: Gateway) -> None:
        souk.backends["order"].status = 502
        assert {souk.ask("/api/v1/orders").status for _ in range(10)} == {200}
        assert souk.backends["order"].seen

    def test_never_get_a_write_twice(self, souk: Gateway) -> None:
        souk.backends["order"].status = souk.backends["order-2"].status = 502
        assert souk.ask("/api/v1/orders", "POST", headers={"Content-Length": "0"}).status == 502
        assert len(souk.seen()) == 1
