"""Claims and headers that auth never writes, over a good signature of its key."""

import httpx
import pytest

from tests.attacks.accounts import Account
from tests.attacks.forge import FOREIGN, MISSING, Changes, Forge, In, signed_by
from tests.attacks.targets import Target, assert_problem, assert_refused

HOUR = 3600
RESERVATION = "/catalog/internal/v1/reservations/0198f2b6-0000-7000-8000-000000000000"
SERVICE: Changes = {
    "aud": "souk-internal",
    "sub": "order",
    "user_id": MISSING,
    "role": "service",
    "scope": "stock:reserve",
}
NO_UUID = "0198f2b6-0000-7000-8000-00000000000g"

CLAIMS: dict[str, Changes] = {
    "exp missing": {"exp": MISSING},
    "exp null": {"exp": None},
    "exp a string": {"exp": In(300, str)},
    "exp a float": {"exp": In(300, lambda moment: moment + 0.5)},
    "exp a whole float": {"exp": In(300, float)},
    "exp 1e30": {"exp": 1e30},
    "exp 10**30": {"exp": 10**30},
    "exp 10**1000": {"exp": 10**1000},
    "exp infinite": {"exp": float("inf")},
    "exp no number": {"exp": float("nan")},
    "exp negative": {"exp": -1},
    "exp far negative": {"exp": -(10**30)},
    "exp zero": {"exp": 0},
    "exp true": {"exp": True},
    "exp a list": {"exp": In(300, lambda moment: [moment])},
    "exp in the past": {"exp": In(-60), "iat": In(-360)},
    "nbf ahead": {"nbf": In(HOUR)},
    "nbf a string": {"nbf": "now"},
    "nbf a dict": {"nbf": {}},
    "iat ahead": {"iat": In(HOUR), "exp": In(HOUR + 300)},
    "iat missing": {"iat": MISSING},
    "iat null": {"iat": None},
    "iat a string": {"iat": In(0, str)},
    "iat 1e30": {"iat": 1e30},
    "aud of services": {"aud": "souk-internal"},
    "aud a list": {"aud": ["souk", "souk-internal"]},
    "aud a list of ours": {"aud": ["souk"]},
    "aud missing": {"aud": MISSING},
    "aud null": {"aud": None},
    "aud empty": {"aud": ""},
    "aud in capitals": {"aud": "SOUK"},
    "aud of admin pages": {"aud": "souk-admin-catalog"},
    "iss elsewhere": {"iss": "http://127.0.0.1:1"},
    "iss missing": {"iss": MISSING},
    "iss null": {"iss": None},
    "iss a list": {"iss": ["http://127.0.0.1:1"]},
    "user_id missing": {"user_id": MISSING},
    "user_id null": {"user_id": None},
    "user_id empty": {"user_id": ""},
    "user_id a dict": {"user_id": {"$ne": ""}},
    "user_id a list": {"user_id": []},
    "user_id a number": {"user_id": 1},
    "user_id a string": {"user_id": "admin"},
    "user_id SQL": {"user_id": "' OR 1=1 --"},
    "user_id no uuid": {"user_id": NO_UUID},
    "sub missing": {"sub": MISSING},
    "sub a number": {"sub": 1},
    "role unknown": {"role": "root"},
    "role missing": {"role": MISSING},
    "role null": {"role": None},
    "role empty": {"role": ""},
    "role in capitals": {"role": "ADMIN"},
    "role a list": {"role": ["admin"]},
    "role true": {"role": True},
    "role of services": {"role": "service"},
    "a service's": {**SERVICE, "aud": "souk"},
    "jti missing": {"jti": MISSING},
    "jti a dict": {"jti": {}},
    "scope a list": {"scope": ["stock:reserve"]},
}

HEADERS: dict[str, Changes] = {
    "typ missing": {"typ": MISSING},
    "typ null": {"typ": None},
    "typ empty": {"typ": ""},
    "typ JWT": {"typ": "JWT"},
    "typ of refresh tokens": {"typ": "rt+jwt"},
    "typ of ID tokens": {"typ": "id+jwt"},
    "typ longer": {"typ": "at+jwt+x"},
    "typ with a space": {"typ": "at+jwt "},
    "typ in capitals": {"typ": "AT+JWT"},
    "typ whole": {"typ": "application/at+jwt"},
    "typ a list": {"typ": ["at+jwt"]},
    "alg missing": {"alg": MISSING},
    "alg null": {"alg": None},
    "alg a list": {"alg": ["ES256"]},
    "alg a number": {"alg": 256},
    "kid missing": {"kid": MISSING},
    "kid null": {"kid": None},
    "kid empty": {"kid": ""},
    "kid a number": {"kid": 0},
    "kid a list": {"kid": []},
    "kid a dict": {"kid": {}},
    "kid a path": {"kid": "../../../../../../etc/passwd"},
    "kid an empty file": {"kid": "/dev/null"},
    "kid SQL": {"kid": "' UNION SELECT 'c2VjcmV0' --"},
    "kid a command": {"kid": "$(id)|id;`id`"},
    "kid with a zero": {"kid": "\0"},
    "kid of 10 kB": {"kid": "k" * 10_000},
    "kid of half a character": {"kid": "\ud800"},
    "crit unknown": {"crit": ["http://souk.example/own"], "http://souk.example/own": True},
    "crit of a claim": {"crit": ["exp"], "exp": 0},
    "crit empty": {"crit": []},
    "crit a string": {"crit": "b64"},
    "crit a dict": {"crit": {}},
    "b64 false": {"b64": False, "crit": ["b64"]},
    "b64 false and not critical": {"b64": False},
    "zip": {"zip": "DEF", "crit": ["zip"]},
}


class TestClaims:
    @pytest.mark.parametrize("name", CLAIMS)
    def test_are_refused(self, forge: Forge, target: Target, name: str) -> None:
        assert_refused(target.show(forge.token(claims=CLAIMS[name])))

    def test_of_the_issuer_in_another_spelling_are_refused(
        self, forge: Forge, target: Target
    ) -> None:
        for issuer in (f"{forge.issuer}/", [forge.issuer], forge.issuer.replace("http", "HTTP")):
            assert_refused(target.show(forge.token(claims={"iss": issuer})))


class TestHeader:
    @pytest.mark.parametrize("name", HEADERS)
    def test_is_refused(self, forge: Forge, target: Target, name: str) -> None:
        assert_refused(target.show(forge.token(header=HEADERS[name])))


class TestRefreshToken:
    def test_is_no_access_token(self, staff: Account, target: Target) -> None:
        assert_refused(target.show(staff.client.grant["refresh"]))

    def test_is_not_what_an_access_token_is(self, staff: Account, forge: Forge) -> None:
        for token in (staff.token, forge.token()):
            answer = staff.client.post("/api/v1/auth/token/refresh", {"refresh": token})
            assert_problem(answer, 401, "token-invalid")


class TestServiceToken:
    def test_opens_no_public_path(self, service_token: str, target: Target) -> None:
        assert_refused(target.show(service_token))

    def test_is_no_users(
        self, private: httpx.Client, service_token: str, staff: Account, forge: Forge
    ) -> None:
        def show(token: str) -> httpx.Response:
            return private.get(RESERVATION, headers={"Authorization": f"Bearer {token}"})

        assert show(service_token).status_code == 404
        for token in (
            staff.token,
            forge.token(),
            forge.token(claims={"aud": "souk-internal", "scope": "stock:reserve"}),
            forge.token(claims=SERVICE, header={"alg": "none"}, sign=lambda text: b""),
            forge.token(claims=SERVICE, sign=signed_by(FOREIGN)),
            forge.token(claims={**SERVICE, "aud": "souk"}),
            forge.token(claims={**SERVICE, "exp": In(-60)}),
        ):
            assert_refused(show(token))
        for scope in ("", "events:read", "stock:reserves", "stock"):
            answer = show(forge.token(claims={**SERVICE, "scope": scope}))
            assert_problem(answer, 403, "permission-denied")
        assert show(forge.token(claims=SERVICE)).status_code == 404
