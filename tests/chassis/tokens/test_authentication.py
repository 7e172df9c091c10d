"""Who gets in, and what everyone else is told."""

import hashlib
import hmac
import json
import socket
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chassis.ids import uuid7
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import KeyRing, keyring
from chassis.tokens.verification import InvalidToken, users, verify_admin
from tests.chassis.tokens.forging import b64, raw_token
from tests.conftest import claims, service_claims

pytestmark = [
    pytest.mark.urls("tests.chassis.sample.urls"),
    pytest.mark.usefixtures("signing_key"),
]

ME = "/api/v1/me"


def ask(api, header, path=ME):
    return api.get(path, HTTP_AUTHORIZATION=header)


def assert_refused(response):
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "token-invalid"


class TestWithoutKeys:
    def test_cannot_tell_and_says_so_instead_of_refusing(self, api, token_for):
        token = token_for()
        keyring._keys = {}
        response = ask(api, f"Bearer {token}")
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response["Retry-After"] == "1"
        assert "WWW-Authenticate" not in response


class TestWithoutDenyList:
    def test_cannot_tell_and_says_so_instead_of_accepting(self, api, token_for, monkeypatch):
        token = token_for()
        monkeypatch.setattr(deny_list, "loaded", False)
        response = ask(api, f"Bearer {token}")
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")


@pytest.fixture
def calls(monkeypatch):
    """Return the list of connections that were opened meanwhile: a call of any kind needs one."""
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: opened.append(address))
    return opened


@pytest.mark.django_db
class TestCost:
    """No query and no call, whoever asks and however often."""

    @pytest.fixture(autouse=True)
    def _no_query_and_no_call(self, calls, django_assert_num_queries):
        with django_assert_num_queries(0):
            yield
        assert calls == []

    def test_is_nothing_for_a_user(self, api, signing_key):
        user_id = uuid7()
        token = signing_key.sign(claims(user_id=user_id))
        for _ in range(3):
            response = ask(api, f"Bearer {token}")
            assert response.json() == {"subject": str(user_id), "user_id": str(user_id)}

    def test_is_nothing_for_a_service(self, as_service):
        client = as_service("order", "stock:reserve")
        for _ in range(3):
            assert client.get("/internal/v1/stock").status_code == 200

    def test_is_nothing_for_the_admin_pages(self, signing_key, settings):
        token = signing_key.sign(claims(role="staff", aud=f"souk-admin-{settings.SERVICE}"))
        for _ in range(3):
            assert verify_admin(token).is_staff

    def test_is_nothing_for_a_denied_user(self, api, signing_key):
        user_id = uuid7()
        token = signing_key.sign(claims(user_id=user_id))
        deny_list.replace({user_id: time.time()})
        assert_refused(ask(api, f"Bearer {token}"))

    def test_is_one_wanted_refresh_for_a_thousand_made_up_kids(self, api, signing_key, monkeypatch):
        ring = KeyRing()
        ring.replace({"keys": [signing_key.jwk()]})
        wanted = []
        monkeypatch.setattr(ring._wanted, "set", lambda: wanted.append(1))
        monkeypatch.setattr("chassis.tokens.access.keyring", ring)
        for number in range(1000):
            head = b64({"alg": "ES256", "typ": "at+jwt", "kid": f"made up {number}"})
            token = f"{head}.{b64(claims())}.{b64(b'0' * 64)}"
            if number % 100:
                with pytest.raises(InvalidToken):
                    users.verify(token)
            else:
                assert_refused(ask(api, f"Bearer {token}"))
        assert len(wanted) == 1


class TestTokenAuthentication:
    def test_takes_the_scheme_in_any_case(self, api, signing_key):
        assert ask(api, f"bEARER  {signing_key.sign(claims())}").status_code == 200

    def test_ignores_claims_that_a_later_release_adds(self, api, signing_key):
        assert ask(api, f"Bearer {signing_key.sign(claims(tier='gold'))}").status_code == 200

    @pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Token abc"])
    def test_challenges_who_shows_no_token(self, api, header):
        response = api.get(ME) if header is None else ask(api, header)
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer ")
        assert response.json()["code"] == "authentication-required"

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "souk-internal"},
            {"aud": ["souk", "souk-internal"]},
            {"aud": 5},
            {"iss": "http://elsewhere"},
            {"iss": None},
            {"exp": ("in", -3600)},
            {"exp": 1e30},
            {"exp": 10**30},
            {"exp": -(10**30)},
            {"exp": ("text in", 300)},
            {"exp": True},
            {"exp": ("float in", 300)},
            {"exp": None},
            {"iat": ("in", 3600)},
            {"iat": "now"},
            {"nbf": ("in", 3600)},
            {"user_id": {"$ne": ""}},
            {"user_id": "1"},
            {"user_id": ""},
            {"sub": 5},
            {"role": "root"},
            {"role": "service"},
            {"role": ["admin"]},
            {"jti": "1"},
            {"scope": ["a"]},
            {"scope": None},
        ],
        ids=str,
    )
    def test_refuses_other_claims(self, api, signing_key, changes):
        payload = {**claims(), **{name: resolved(value) for name, value in changes.items()}}
        assert_refused(ask(api, f"Bearer {signed_without_checks(signing_key, payload)}"))

    @pytest.mark.parametrize(
        "missing", ["iss", "aud", "sub", "user_id", "role", "iat", "exp", "jti", "scope"]
    )
    def test_refuses_a_missing_claim(self, api, signing_key, missing):
        payload = claims()
        del payload[missing]
        assert_refused(ask(api, f"Bearer {signing_key.sign(payload)}"))

    @pytest.mark.parametrize(
        "changes",
        [
            {"typ": "JWT"},
            {"typ": "rt+jwt"},
            {"typ": None},
            {"typ": ["at+jwt"]},
            {"kid": "unknown"},
            {"kid": None},
            {"kid": {"a": 1}},
            {"alg": "none"},
            {"alg": "ES384"},
            {"alg": "HS256"},
            {"alg": None},
            {"alg": 5},
            {"crit": ["exp"]},
            {"crit": ["http://x/y"], "http://x/y": 1},
            {"crit": 5},
            {"b64": False, "crit": ["b64"]},
            {"b64": False},
            {"b64": True},
            {"b64": True, "crit": ["b64"]},
            {"crit": []},
            {"crit": None},
            {"typ": "application/at+jwt"},
            {"typ": "AT+JWT"},
        ],
        ids=str,
    )
    def test_refuses_other_headers_over_a_good_signature(self, api, signing_key, changes):
        header = {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.kid, **changes}
        assert_refused(ask(api, f"Bearer {signed_without_checks(signing_key, claims(), header)}"))

    @pytest.mark.parametrize("signature", ["", "AA"])
    def test_refuses_alg_none(self, api, signing_key, signature):
        header = {"alg": "none", "typ": "at+jwt", "kid": signing_key.kid}
        assert_refused(ask(api, f"Bearer {b64(header)}.{b64(claims())}.{signature}"))

    @pytest.mark.parametrize("form", ["PEM", "DER"])
    def test_refuses_hs256_with_the_public_key_as_its_secret(self, api, signing_key, form):
        public = signing_key.private.public_key().public_bytes(
            getattr(serialization.Encoding, form), serialization.PublicFormat.SubjectPublicKeyInfo
        )
        header = {"alg": "HS256", "typ": "at+jwt", "kid": signing_key.kid}
        text = f"{b64(header)}.{b64(claims())}"
        mac = hmac.digest(public, text.encode(), hashlib.sha256)
        assert_refused(ask(api, f"Bearer {text}.{b64(mac)}"))

    def test_refuses_the_signature_of_another_key(self, api, signing_key):
        stranger = ec.generate_private_key(ec.SECP256R1())
        token = jwt.encode(
            claims(), stranger, "ES256", headers={"typ": "at+jwt", "kid": signing_key.kid}
        )
        assert_refused(ask(api, f"Bearer {token}"))

    def test_refuses_a_key_that_the_token_brings_along(self, api, signing_key):
        stranger = ec.generate_private_key(ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
        token = jwt.encode(claims(), stranger, "ES256", headers={"typ": "at+jwt", "jwk": jwk})
        assert_refused(ask(api, f"Bearer {token}"))

    def test_refuses_a_changed_payload(self, api, signing_key):
        head, _, signature = signing_key.sign(claims()).split(".")
        assert_refused(ask(api, f"Bearer {head}.{b64(claims(role='admin'))}.{signature}"))

    def test_refuses_a_services_token(self, api, signing_key):
        token = signing_key.sign(service_claims("order", "stock:reserve"))
        assert_refused(ask(api, f"Bearer {token}"))

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            "a.b",
            "a.b.c",
            "a.b.c.d.e",
            "..",
            "....",
            "\xff\xfe.\xff.\xff",
            "é" * 10,
            "=.=.=",
            f"{b64([])}.{b64({})}.AA",
            f"{b64(b'[' * 3000)}.{b64({})}.AA",
            f"{b64(b'null')}.{b64(b'null')}.AA",
            f"{b64(bytes([255]))}.{b64({})}.AA",
            f"{b64(b'{' + b'1' * 100)}.{b64({})}.AA",
            "A" * 100_000,
            b64(b"[" * 100_000),
        ],
        ids=lambda token: ascii(token[:20]),
    )
    def test_refuses_what_is_no_token(self, api, token):
        assert_refused(ask(api, f"Bearer {token}"))

    def test_refuses_a_payload_nested_too_deep(self, api, signing_key):
        payload = b'{"exp":' + b"[" * 1300 + b"]" * 1300 + b"}"
        header = {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.kid}
        assert_refused(ask(api, f"Bearer {raw_token(signing_key, header, payload)}"))

    @pytest.mark.parametrize("rest", [" {token}", ", Bearer {token}", ",Bearer {token}", " x"])
    def test_refuses_two_tokens_or_two_headers(self, api, signing_key, rest):
        token = signing_key.sign(claims())
        assert_refused(ask(api, f"Bearer {token}{rest.format(token=token)}"))

    def test_refuses_the_scheme_alone(self, api):
        assert_refused(ask(api, "Bearer"))


def resolved(value):
    """Return the time that a case names by its distance from now; other values as they are."""
    if isinstance(value, tuple):
        form, seconds = value
        moment = int(time.time()) + seconds
        return {"in": moment, "text in": str(moment), "float in": float(moment)}[form]
    return value


def signed_without_checks(signing_key, payload, header=None):
    header = header or {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.kid}
    return raw_token(signing_key, header, json.dumps(payload).encode())


class TestPermissions:
    @pytest.mark.parametrize(
        ("path", "role", "status"),
        [
            ("/api/v1/staff", "customer", 403),
            ("/api/v1/staff", "staff", 200),
            ("/api/v1/staff", "admin", 200),
            ("/api/v1/admin", "customer", 403),
            ("/api/v1/admin", "staff", 403),
            ("/api/v1/admin", "admin", 200),
        ],
    )
    def test_are_the_roles(self, client_as, path, role, status):
        response = client_as(role).get(path)
        assert response.status_code == status
        if status == 403:
            assert response.json()["code"] == "permission-denied"
            assert "WWW-Authenticate" not in response

    @pytest.mark.parametrize("path", ["/api/v1/staff", "/api/v1/admin", "/internal/v1/stock"])
    def test_challenge_who_shows_no_token(self, api, path):
        response = api.get(path)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == 'Bearer realm="souk"'

    def test_are_the_scopes_of_a_service(self, as_service):
        assert as_service("order", "events:read stock:reserve").get(
            "/internal/v1/stock"
        ).json() == {
            "subject": "order",
            "user_id": None,
        }
        for scopes in ("", "events:read", "stock:reserves", "stock"):
            assert as_service("order", scopes).get("/internal/v1/stock").status_code == 403

    def test_keep_users_out_of_the_services_paths(self, as_admin):
        assert_refused(as_admin.get("/internal/v1/stock"))
