"""What is no token at all, or more than one."""

import base64
import time
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import pytest

from tests.attacks.accounts import Account
from tests.attacks.forge import Forge, b64
from tests.attacks.targets import Target, assert_challenged, assert_refused
from tests.system.platform import Platform

# About what fits: the gateway takes 32 KiB of headers, and base64 makes 4 bytes of 3.
DEEPEST = 22_000
# Deeper than Python's JSON goes, in a token that a service does not find too long.
DEEP = 1_200

Attack = Callable[[Forge], str | bytes]


def nested(depth: int) -> bytes:
    return b'{"exp":' + b"[" * depth + b"]" * depth + b"}"


SHAPES: dict[str, Attack] = {
    "a word": lambda forge: "token",
    "dots": lambda forge: "..",
    "one part": lambda forge: forge.token().split(".")[0],
    "two parts": lambda forge: forge.token().rpartition(".")[0],
    "four parts": lambda forge: forge.token() + ".AA",
    "five parts": lambda forge: ".".join(
        b64(part) for part in (b'{"alg":"dir","enc":"A256GCM"}', b"", bytes(12), b"{}", bytes(16))
    ),
    "five parts of ours": lambda forge: forge.token() + ".AA.AA",
    "a part before": lambda forge: f".{forge.token()}",
    "an empty header": lambda forge: forge.token(header=b""),
    "an empty payload": lambda forge: forge.token(claims=b""),
    "a header that is null": lambda forge: forge.token(header=b"null"),
    "a header that is a list": lambda forge: forge.token(header=b"[]"),
    "a header of half a JSON": lambda forge: forge.token(header=b'{"alg":"ES256"'),
    "a payload that is null": lambda forge: forge.token(claims=b"null"),
    "a payload that is a list": lambda forge: forge.token(claims=b"[]"),
    "a payload that is a number": lambda forge: forge.token(claims=b"1"),
    "a payload that is a string": lambda forge: forge.token(claims=b'"sub"'),
    "a payload of half a JSON": lambda forge: forge.token(claims=forge.claims({})[:-1]),
    "a payload of two JSONs": lambda forge: forge.token(claims=forge.claims({}) * 2),
    "a payload with a byte order mark": lambda forge: forge.token(
        claims=b"\xef\xbb\xbf" + forge.claims({})
    ),
    "a payload in UTF-16": lambda forge: forge.token(
        claims=forge.claims({}).decode().encode("utf-16")
    ),
    "a header not in UTF-8": lambda forge: forge.token(
        header=forge.header({}).replace(b"ES256", b"\xff\xfe")
    ),
    "a payload not in UTF-8": lambda forge: forge.token(
        claims=forge.claims({}).replace(b"admin", b"\xff\xfe")
    ),
    "bytes of no text": lambda forge: b"\xff\xfe.\xff.\x80",
    "bytes of no text after a token": lambda forge: forge.token().encode() + b"\xff",
    "letters of no base64": lambda forge: forge.token().replace(".", ".é").encode(),
    "a header nested deep": lambda forge: forge.token(header=nested(DEEP)),
    "a payload nested deep": lambda forge: forge.token(claims=nested(DEEP)),
    "a header nested as deep as fits": lambda forge: f"{b64(b'[' * DEEPEST)}.e30.AA",
    "a payload nested as deep as fits": lambda forge: forge.token(claims=b"[" * DEEPEST),
    "exp twice": lambda forge: forge.token(claims=forge.claims({})[:-1] + b',"exp":1}'),
    "role twice": lambda forge: forge.token(claims=forge.claims({})[:-1] + b',"role":"root"}'),
    "aud twice": lambda forge: forge.token(
        claims=forge.claims({})[:-1] + b',"aud":"souk-internal"}'
    ),
    "alg twice": lambda forge: forge.token(header=forge.header({})[:-1] + b',"alg":"none"}'),
    "a token of 30 kB": lambda forge: f"{forge.token()}{'A' * 30_000}",
    "a token of many dots": lambda forge: "." * 20_000,
}


class TestToken:
    @pytest.mark.parametrize("name", SHAPES)
    def test_of_another_shape_is_refused(self, forge: Forge, target: Target, name: str) -> None:
        assert_refused(target.show(SHAPES[name](forge)))

    @pytest.mark.parametrize("part", ["header", "payload"])
    def test_nested_100000_deep_comes_to_no_service(self, target: Target, part: str) -> None:
        deep = b64(b"[" * 100_000)
        parts = [deep, "e30", "AA"] if part == "header" else ["e30", deep, "AA"]
        answer = target.show(".".join(parts))
        assert answer.status_code == 431
        assert "X-Request-ID" not in answer.headers


class TestAuthorizationHeader:
    def test_is_good_with_its_scheme_in_lower_case(self, forge: Forge, target: Target) -> None:
        assert target.ask(f"bearer {forge.token()}").status_code == 200

    def test_of_the_scheme_alone_is_refused(self, target: Target) -> None:
        assert_refused(target.ask("Bearer"))

    def test_that_comes_twice_is_refused(
        self, forge: Forge, customer: Account, target: Target
    ) -> None:
        good, other = f"Bearer {forge.token()}", f"Bearer {customer.token}"
        for second in (good, other, "Bearer x"):
            assert_refused(target.ask(good, second))
            assert_refused(target.ask(second, good))

    def test_of_two_schemes_is_refused(self, forge: Forge, target: Target) -> None:
        good, basic = f"Bearer {forge.token()}", "Basic dTpw"
        assert_refused(target.ask(good, basic))
        assert_challenged(target.ask(basic, good))

    @pytest.mark.parametrize("join", [" {}", ", Bearer {}", ",{}", "\t{}"])
    def test_of_two_tokens_is_refused(self, forge: Forge, target: Target, join: str) -> None:
        token = forge.token()
        assert_refused(target.show(token + join.format(token)))

    def test_of_another_scheme_shows_no_token(self, forge: Forge, target: Target) -> None:
        token = forge.token()
        basic = base64.b64encode(f"token:{token}".encode()).decode()
        for value in (f"Basic {basic}", f"Basic {token}", f"Token {token}", f"DPoP {token}"):
            assert_challenged(target.ask(value))

    def test_of_a_token_alone_shows_no_token(self, forge: Forge, target: Target) -> None:
        assert_challenged(target.ask(forge.token()))


class TestTokenElsewhere:
    @pytest.mark.parametrize("name", ["access_token", "token", "jwt", "authorization"])
    def test_in_the_query_is_not_read(self, forge: Forge, target: Target, name: str) -> None:
        assert_challenged(target.ask(query={name: forge.token()}))

    def test_in_a_cookie_is_not_read(self, forge: Forge, target: Target) -> None:
        token = forge.token()
        for name in ("access_token", "token", "jwt", "Authorization", "sessionid"):
            answer = target.http.get(target.path, headers={"Cookie": f"{name}={token}"})
            assert_challenged(answer)

    @pytest.mark.parametrize(
        "name", ["X-Authorization", "Proxy-Authorization", "X_Authorization", "X-Access-Token"]
    )
    def test_in_another_header_is_not_read(self, forge: Forge, target: Target, name: str) -> None:
        value = f"Bearer {forge.token()}"
        assert_challenged(target.http.get(target.path, headers={name: value}))

    def test_in_a_header_that_names_a_user_is_not_read(self, forge: Forge, target: Target) -> None:
        names = ("X-User-Id", "X-Role", "Remote-User", "X-Forwarded-User", "X-Authenticated-User")
        headers = dict.fromkeys(names, forge.user_id)
        assert_challenged(target.http.get(target.path, headers=headers))


class TestAdminPages:
    """Each opens by the cookie of its own service alone, with a token that is for it."""

    PATHS: ClassVar = {
        "auth": "/admin/auth/",
        "catalog": "/admin/catalog/",
        "order": "/admin/orders/",
    }

    @staticmethod
    def open(platform: Platform, path: str, **headers: str) -> httpx.Response:
        return platform.client().get(path, **headers)

    @pytest.mark.parametrize("service", PATHS)
    def test_open_by_a_token_for_them(self, platform: Platform, forge: Forge, service: str) -> None:
        token = forge.token(claims={"aud": f"souk-admin-{service}", "role": "staff"})
        cookie = f"souk_{service}_token={token}"
        assert self.open(platform, self.PATHS[service], Cookie=cookie).status_code == 200

    @pytest.mark.parametrize("service", PATHS)
    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": "souk"},
            {"aud": "souk-internal"},
            {"aud": "souk-admin-"},
            {"aud": "souk-admin"},
            {"role": "customer"},
            {"role": "service"},
            {"role": "root"},
            {"exp": 1},
            {"iss": "https://evil.example"},
            {"user_id": None},
        ],
    )
    def test_do_not_open_by_another(
        self, platform: Platform, forge: Forge, service: str, claims: dict[str, Any]
    ) -> None:
        minute_ago = int(time.time()) - 60
        own = {"aud": f"souk-admin-{service}", "role": "staff", "iat": minute_ago}
        claims = {**own, **claims}
        cookie = f"souk_{service}_token={forge.token(claims=claims)}"
        assert_sent_to_log_in(self.open(platform, self.PATHS[service], Cookie=cookie))

    @pytest.mark.parametrize("service", PATHS)
    def test_do_not_open_by_another_services_token(
        self, platform: Platform, forge: Forge, service: str
    ) -> None:
        for other in set(self.PATHS) - {service}:
            own = {"aud": f"souk-admin-{other}", "role": "admin", "iat": int(time.time()) - 60}
            token = forge.token(claims=own)
            cookies = f"souk_{service}_token={token}; souk_{other}_token={token}"
            assert_sent_to_log_in(self.open(platform, self.PATHS[service], Cookie=cookies))

    @pytest.mark.parametrize("service", PATHS)
    def test_do_not_open_by_a_token_elsewhere(
        self, platform: Platform, forge: Forge, service: str
    ) -> None:
        token = forge.token(claims={"aud": f"souk-admin-{service}", "role": "admin"})
        for name, value in (
            ("Authorization", f"Bearer {token}"),
            ("Cookie", f"sessionid={token}; souk_{service}_session={token}"),
            ("Cookie", f"souk_auth_login={token}"),
        ):
            assert_sent_to_log_in(self.open(platform, self.PATHS[service], **{name: value}))

    def test_tokens_are_of_no_use_to_the_api(self, forge: Forge, target: Target) -> None:
        claims = {"aud": f"souk-admin-{target.service}", "role": "admin"}
        assert_refused(target.show(forge.token(claims=claims)))


def assert_sent_to_log_in(answer: httpx.Response) -> None:
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/auth/sign-on?next=")
