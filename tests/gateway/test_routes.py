"""Which path leads to which service, and which leads nowhere."""

from pathlib import Path

import pytest

from tests.engines import free_port
from tests.gateway.running import Gateway, started


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
            ("/docs", "auth"),
            ("/docs/openapi/auth.yaml", "auth"),
            ("/docs/openapi/catalog.yaml", "catalog"),
            ("/docs/openapi/order.yaml", "order"),
        ],
    )
    def test_leads_to_the_service_with_the_path_unchanged(
        self, souk: Gateway, path: str, service: str
    ) -> None:
        answer = souk.ask(path)
        assert (answer.told["backend"].removesuffix("-2"), answer.told["path"]) == (service, path)

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

    @pytest.mark.parametrize("name", ["X_Deadline_Ms", "X_Replaced_Path", "X.Deadline.Ms"])
    def test_takes_away_what_wsgi_would_read_as_another_name(
        self, souk: Gateway, name: str
    ) -> None:
        told = souk.ask("/api/v1/orders", headers={name: "6.6.6.6", "X-Other": "2"}).told
        assert told["headers"]["x-other"] == "2"
        assert "6.6.6.6" not in str(told)

    def test_tells_the_replaced_path_itself(self, souk: Gateway) -> None:
        told = souk.ask("/nowhere", headers={"X-Replaced-Path": "/lie"}).told["headers"]
        assert told["x-replaced-path"] == "/nowhere"


class TestPrivateEntryPoint:
    @pytest.mark.parametrize("service", ["auth", "catalog", "order"])
    def test_takes_the_service_off_the_path(self, souk: Gateway, service: str) -> None:
        answer = souk.ask(f"/{service}/internal/v1/events?after=0", port=souk.private)
        assert answer.told["backend"].removesuffix("-2") == service
        assert answer.told["path"] == "/internal/v1/events?after=0"

    @pytest.mark.parametrize("path", ["/internal/v1/events", "/api/v1/orders", "/"])
    def test_has_no_other_route(self, souk: Gateway, path: str) -> None:
        assert souk.ask(path, port=souk.private).status == 404
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


class TestDeadServer:
    def test_is_hidden_from_writes_that_it_never_got(self, tmp_path: Path) -> None:
        """Asked before a health check notices."""
        dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        with started(tmp_path, *dead) as souk:
            answers = [souk.ask("/api/v1/orders", "POST", body=b"{}") for _ in range(8)]
            assert [one.status for one in answers] == [200] * 8
            assert len(souk.seen()) == 8


class TestBehindAnotherProxy:
    def test_believes_the_client_address_of_one_that_is_trusted(self, tmp_path: Path) -> None:
        """Over the PROXY protocol; what a header says stays a claim of the client's."""
        trust = {"TRAEFIK_ENTRYPOINTS_PUBLIC_PROXYPROTOCOL_TRUSTEDIPS": "127.0.0.1/32"}
        with started(tmp_path, **trust) as souk:
            told = souk.send(
                "PROXY TCP4 192.0.2.7 127.0.0.1 4000 80\nGET /api/v1/orders HTTP/1.1\nHost: x\n"
                "X-Forwarded-For: 6.6.6.6\nConnection: close\n\n"
            ).told["headers"]
        assert told["x-forwarded-for"] == "192.0.2.7"

    def test_believes_nobody_else(self, souk: Gateway) -> None:
        answer = souk.send(
            "PROXY TCP4 192.0.2.7 127.0.0.1 4000 80\nGET /api/v1/orders HTTP/1.1\nHost: x\n\n"
        )
        assert answer.status == 400
        assert souk.seen() == []
