"""How much one address may ask, and how long a body and the headers may be."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import gateway
from local.errors import PlatformError
from tests.gateway.running import Gateway, started

LOG_INS = [
    "/api/v1/auth/token",
    "/api/v1/auth/register",
    "/api/v1/auth/password/reset",
    "/api/v1/auth/password/reset/confirm",
    "/admin/auth/log-in",
    "/admin/auth/password/reset",
]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Return a gateway that lets 40 requests of an address through, and 8 log-ins; then one a second."""
    limits = {"RATE_LIMIT": "1", "RATE_BURST": "40", "LOGIN_RATE_LIMIT": "1"}
    folder = tmp_path_factory.mktemp("limited")
    with started(folder, **limits, LOGIN_RATE_BURST="8") as running:
        yield running


def ask_at_once(souk: Gateway, method: str, paths: list[str]) -> Counter[int]:
    """Send requests side by side; return how often each status was answered."""
    with ThreadPoolExecutor(8) as pool:
        one = {"Content-Length": "0"}
        answers = pool.map(lambda path: souk.ask(path, method, headers=one), paths)
        return Counter(answer.status for answer in answers)


def forget(souk: Gateway) -> None:
    """Return when the gateway has forgotten this address: after two seconds without a word of it."""
    time.sleep(2.5)
    for backend in souk.backends.values():
        backend.reset()


class TestRequestsOfAnAddress:
    def test_are_counted_together_wherever_they_go(self, limited: Gateway) -> None:
        forget(limited)
        paths = ["/api/v1/orders", "/api/v1/catalog/products", "/api/v1/auth/me", "/nowhere"] * 20
        found = ask_at_once(limited, "GET", paths)
        assert 40 <= found[200] <= 48, found
        assert found[200] + found[429] == 80
        assert len(limited.seen()) == found[200]

    def test_are_told_when_to_come_again(self, limited: Gateway) -> None:
        ask_at_once(limited, "GET", ["/api/v1/orders"] * 60)
        answer = limited.ask("/api/v1/orders")
        assert answer.status == 429
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_are_not_counted_by_what_they_say_of_themselves(self, limited: Gateway) -> None:
        ask_at_once(limited, "GET", ["/api/v1/orders"] * 60)
        for name in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X_Forwarded_For"):
            answer = limited.ask("/api/v1/orders", headers={name: "6.6.6.6"})
            assert answer.status == 429, name

    def test_are_not_limited_at_the_private_entry_point(self, limited: Gateway) -> None:
        ask_at_once(limited, "GET", ["/api/v1/orders"] * 60)
        for _ in range(60):
            assert limited.ask("/order/internal/v1/x", port=limited.private).status == 200

    def test_are_not_limited_where_the_limit_is_nought(self, souk: Gateway) -> None:
        assert ask_at_once(souk, "GET", ["/api/v1/orders"] * 400) == {200: 400}
        assert ask_at_once(souk, "POST", ["/api/v1/auth/token"] * 200) == {200: 200}


class TestLogIns:
    def test_are_counted_together_and_by_themselves(self, limited: Gateway) -> None:
        forget(limited)
        found = ask_at_once(limited, "POST", LOG_INS * 3)
        assert 8 <= found[200] <= 11, found
        assert found[200] + found[429] == 18
        assert limited.ask("/api/v1/auth/token", "POST").headers["retry-after"] == "1"
        # Whoever is logged in goes on.
        assert limited.ask("/api/v1/auth/token/refresh", "POST").status == 200
        assert limited.ask("/api/v1/auth/me").status == 200

    @pytest.mark.parametrize("path", LOG_INS)
    def test_are_these(self, souk: Gateway, path: str) -> None:
        souk.ask(path, "POST", headers={"Content-Length": "0"})
        assert souk.logged(path)["RouterName"].endswith("auth-log-in@file")


class TestChosenLimits:
    @pytest.mark.parametrize("value", ["many", "-1", "1.5", "\u0661"])
    def test_are_whole_numbers(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("RATE_LIMIT", value)
        with pytest.raises(PlatformError, match=r"RATE_LIMIT is .*, which is not a whole number"):
            gateway.variables(1, 2, 3, {name: [] for name in ("auth", "catalog", "order")})

    def test_are_passed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT", "7")
        monkeypatch.setenv("RATE_BURST", "")
        found = gateway.variables(1, 2, 3, {name: [] for name in ("auth", "catalog", "order")})
        assert (found["RATE_LIMIT"], found.get("RATE_BURST")) == ("7", None)


class TestLengths:
    @pytest.mark.parametrize("path", ["/api/v1/orders", "/nothing/here"])
    def test_of_a_body_reach_a_mebibyte(self, souk: Gateway, path: str) -> None:
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
    def test_of_a_body_reach_further_where_staff_uploads(
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
    def test_of_a_body_reach_further_nowhere_else(
        self, souk: Gateway, method: str, path: str
    ) -> None:
        too_long = {"Content-Length": str(1_048_577)}
        assert souk.ask(path, method, headers=too_long).status == 413
        assert souk.seen() == []

    def test_of_all_headers_reach_32_kib(self, souk: Gateway) -> None:
        assert souk.ask("/api/v1/orders", headers={"Cookie": "x" * 32_000}).status == 200
        # Go allows 4 KiB more than it is told.
        assert souk.ask("/api/v1/orders", headers={"Cookie": "x" * 40_000}).status == 431
