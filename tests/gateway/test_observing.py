"""What the gateway tells those who run it, and nobody else."""

import pytest

from tests.gateway.running import Gateway

SECRET = "hunter2"


class TestAccessLog:
    def test_has_an_entry_for_each_request(self, souk: Gateway) -> None:
        souk.backends["auth"].headers = {"X-Request-ID": "answered"}
        path = "/api/v1/auth/logged/1"
        souk.ask(path, "PUT", headers={"X-Request-ID": "asked"}, body=b"12345")
        entry = souk.logged(path)
        assert (entry["RequestMethod"], entry["DownstreamStatus"]) == ("PUT", 200)
        assert (entry["ClientHost"], entry["RequestContentSize"]) == ("127.0.0.1", 5)
        assert entry["RouterName"].endswith("auth@file")
        assert entry["ServiceAddr"] == souk.backends["auth"].url.removeprefix("http://")
        assert entry["Duration"] >= entry["OriginDuration"] > 0
        assert entry["StartUTC"].endswith("Z")

    def test_holds_the_request_id_that_the_client_got(self, souk: Gateway) -> None:
        souk.backends["auth"].headers = {"X-Request-ID": "answered"}
        path = "/api/v1/auth/logged/2"
        answer = souk.ask(path, headers={"X-Request-ID": "asked"})
        assert answer.headers["x-request-id"] == "answered"
        assert souk.logged(path)["downstream_X-Request-Id"] == "answered"

    def test_holds_nothing_secret(self, souk: Gateway) -> None:
        path = "/admin/auth/password/reset/3"
        headers = {
            "Authorization": f"Bearer {SECRET}",
            "Cookie": f"a={SECRET}",
            "Idempotency-Key": SECRET,
            "Referer": f"http://x/{SECRET}",
            "User-Agent": SECRET,
            "X-Signature": SECRET,
        }
        souk.backends["auth"].headers = {"Set-Cookie": f"a={SECRET}", "Location": f"/?t={SECRET}"}
        souk.ask(f"{path}?token={SECRET}&a;b={SECRET}", headers=headers)
        assert souk.logged(path)["DownstreamStatus"] == 200
        assert SECRET not in souk.output.read_text()

    def test_tells_what_the_gateway_refused(self, souk: Gateway) -> None:
        path = "/api/v1/orders/logged/4"
        souk.ask(path, "POST", headers={"Content-Length": "2000000"})
        entry = souk.logged(path)
        assert (entry["DownstreamStatus"], entry.get("ServiceAddr")) == (413, None)

    def test_cannot_be_forged(self, souk: Gateway) -> None:
        path = "/api/v1/orders/logged/5%0A%7B%22RequestPath%22"
        souk.ask(path, headers={"X-Request-ID": '"} {"RequestPath": "forged"'})
        assert souk.logged(path)["request_X-Request-Id"] == '"} {"RequestPath": "forged"'

    def test_leaves_out_what_services_ask_each_other(self, souk: Gateway) -> None:
        souk.ask("/auth/internal/logged/6", port=souk.private)
        souk.ask("/api/v1/orders/logged/6")
        souk.logged("/api/v1/orders/logged/6")
        assert "/internal/logged/6" not in souk.output.read_text()


class TestMetrics:
    def test_are_counted_by_service_and_router(self, souk: Gateway) -> None:
        souk.ask("/api/v1/orders")
        text = souk.ask("/metrics", port=souk.metrics).body.decode()
        assert 'service="order-ready@file"' in text
        assert "traefik_router_requests_total" in text
        assert 'router="order-reads@file"' in text

    def test_and_the_health_have_an_entry_point_of_their_own(self, souk: Gateway) -> None:
        assert souk.ask("/ping", port=souk.metrics).body == b"OK"
        for path in ("/metrics", "/ping"):
            assert souk.ask(path).told["path"] == "/unrouted"
            assert souk.ask(path, port=souk.private).status == 404


class TestDashboard:
    @pytest.mark.parametrize(
        "path", ["/dashboard/", "/api/rawdata", "/api/overview", "/debug/vars"]
    )
    def test_is_nowhere(self, souk: Gateway, path: str) -> None:
        assert souk.ask(path).told["path"] == "/unrouted"
        for port in (souk.private, souk.metrics):
            assert souk.ask(path, port=port).status == 404
