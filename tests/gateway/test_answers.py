"""What the gateway does to a service's answer: headers, compression, and nothing else."""

import gzip

import pytest

from tests.gateway.running import Answer, Gateway

PRODUCTS = "/api/v1/catalog/products"
LONG = b'{"results": [' + b'{"name": "Lantern"},' * 200 + b"]}"
BROWSER = "gzip, deflate, br, zstd"


def ask(souk: Gateway, accepted: str | None = BROWSER, path: str = PRODUCTS) -> Answer:
    """Read a path as a client that takes these encodings."""
    return souk.ask(path, headers={"Accept-Encoding": accepted} if accepted else {})


@pytest.fixture
def long(souk: Gateway) -> Gateway:
    """Return the gateway before services whose answers are long."""
    for backend in souk.backends.values():
        backend.body = LONG
        backend.headers = {"Content-Type": "application/json"}
    return souk


class TestHeaders:
    def test_keep_browsers_from_guessing_and_framing(self, souk: Gateway) -> None:
        headers = souk.ask("/api/v1/orders").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"

    def test_do_not_tell_what_serves(self, souk: Gateway) -> None:
        assert "server" not in souk.ask("/api/v1/orders").headers

    def test_say_nothing_of_https_where_there_is_none(self, souk: Gateway) -> None:
        assert "strict-transport-security" not in souk.ask("/api/v1/orders").headers

    def test_of_a_service_stay(self, souk: Gateway) -> None:
        policy = "default-src 'self'"
        souk.backends["auth"].headers = {"Content-Security-Policy": policy, "ETag": '"1"'}
        headers = souk.ask("/docs").headers
        assert (headers["content-security-policy"], headers["etag"]) == (policy, '"1"')


class TestCompression:
    @pytest.mark.parametrize("path", [PRODUCTS, "/api/v1/orders", "/static/auth/a.json"])
    def test_shortens_what_is_read(self, long: Gateway, path: str) -> None:
        answer = ask(long, "gzip", path)
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert len(answer.body) < len(LONG) / 10
        assert gzip.decompress(answer.body) == LONG

    def test_takes_the_encoding_that_costs_least(self, long: Gateway) -> None:
        assert ask(long).headers["content-encoding"] == "zstd"

    @pytest.mark.parametrize("accepted", [None, "identity", "gzip;q=0", "br"])
    def test_is_not_for_clients_that_do_not_ask(self, long: Gateway, accepted: str | None) -> None:
        answer = ask(long, accepted)
        assert (answer.headers.get("content-encoding"), answer.body) == (None, LONG)

    @pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/csv", "image/png"])
    def test_is_not_for_pages_and_files(self, long: Gateway, kind: str) -> None:
        """Pages are opened by cookies: their length would tell what is in them (BREACH)."""
        long.backends["catalog"].headers = {"Content-Type": kind}
        answer = ask(long, path="/admin/catalog/")
        assert (answer.headers.get("content-encoding"), answer.body) == (None, LONG)

    def test_is_not_for_answers_to_writes(self, long: Gateway) -> None:
        given = {"Accept-Encoding": "gzip", "Content-Length": "0"}
        assert long.ask("/api/v1/auth/token", "POST", headers=given).body == LONG

    def test_is_not_for_short_answers(self, long: Gateway) -> None:
        long.backends["catalog"].body = LONG[:1000]
        assert ask(long).body == LONG[:1000]

    def test_is_not_done_twice(self, long: Gateway) -> None:
        """The services' static files are compressed when they are collected."""
        collected = gzip.compress(b"x{}" * 9000)
        backend = long.backends["catalog"]
        backend.headers = {"Content-Type": "text/css", "Content-Encoding": "gzip"}
        backend.body = collected
        answer = ask(long, path="/static/catalog/a.css")
        assert (answer.headers["content-encoding"], answer.body) == ("gzip", collected)

    @pytest.mark.parametrize("accepted", ["gzip", None])
    @pytest.mark.parametrize("tag", ['"a"', 'W/"a"'])
    def test_leaves_the_tag_as_the_service_wrote_it(
        self, long: Gateway, accepted: str | None, tag: str
    ) -> None:
        long.backends["catalog"].headers["ETag"] = tag
        assert ask(long, accepted).headers["etag"] == tag

    def test_lets_a_304_through(self, long: Gateway) -> None:
        backend = long.backends["catalog"]
        backend.status, backend.body, backend.headers = 304, b"", {"ETag": '"a"'}
        answer = ask(long)
        assert (answer.status, answer.headers["etag"], answer.body) == (304, '"a"', b"")
        assert "content-encoding" not in answer.headers

    def test_lets_the_answer_to_head_through(self, long: Gateway) -> None:
        answer = long.ask(PRODUCTS, "HEAD", headers={"Accept-Encoding": "gzip"})
        assert (answer.status, answer.body) == (200, b"")


class TestFailures:
    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_of_a_service_are_told_in_its_own_words(self, souk: Gateway, status: int) -> None:
        for backend in souk.backends.values():
            backend.status, backend.body = status, b'{"code": "its-own"}'
            backend.headers = {"Content-Type": "application/problem+json", "Retry-After": "1"}
        answer = souk.ask("/api/v1/orders", "POST", headers={"Content-Length": "0"})
        assert (answer.status, answer.told) == (status, {"code": "its-own"})
        assert answer.headers["retry-after"] == "1"
