"""POST /token, /token/refresh, /token/revoke and /token/revoke-all."""

import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from django.db.models import F
from rest_framework.test import APIClient

from apps.auth_service.models import RefreshFamily, RefreshToken
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import at_once

URL = "/api/v1/auth/token"
REVOKE_URL = "/api/v1/auth/token/revoke"
REVOKE_ALL_URL = "/api/v1/auth/token/revoke-all"
JWKS_URL = "/.well-known/jwks.json"


def without_ids(answer: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    body = {**answer.json(), "request_id": ""}
    return answer.status_code, dict(answer.headers) | {"X-Request-ID": ""}, body


@pytest.mark.django_db
class TestToken:
    def test_answers_with_tokens(self, api):
        user = make_user()
        answer = api.post(URL, {"email": user.email, "password": PASSWORD})
        assert answer.status_code == 200
        body = answer.json()
        assert set(body) == {"access", "refresh", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
        assert answer["Cache-Control"] == "no-store"

    def test_takes_the_address_in_any_case(self, api):
        make_user(email="Ann@Shop.example")
        answer = api.post(URL, {"email": "aNN@sHOP.example", "password": PASSWORD})
        assert answer.status_code == 200

    def test_issues_exactly_these_claims(self, log_in):
        user = make_user(role="staff")
        before = int(time.time())
        token = log_in(user)["access"]
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
        assert set(header) == {"typ", "alg", "kid"}
        assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
        issued_at = claims["iat"]
        assert before <= issued_at <= time.time()
        assert UUID(claims.pop("jti")).version == 7
        assert claims == {
            "iss": "http://127.0.0.1:8000",
            "aud": "souk",
            "sub": str(user.id),
            "user_id": str(user.id),
            "role": "staff",
            "iat": issued_at,
            "exp": issued_at + 300,
            "scope": "",
        }

    def test_issues_nothing_personal(self, log_in):
        user = make_user(email="ann@shop.example", name="Ann Alder")
        payload = log_in(user)["access"].split(".")[1]
        text = base64.urlsafe_b64decode(payload + "==").decode().lower()
        assert "ann" not in text
        assert "shop.example" not in text

    def test_issues_what_the_published_keys_verify(self, api, log_in):
        token = log_in(make_user())["access"]
        keys = jwt.PyJWKSet.from_dict(api.get(JWKS_URL).json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        assert key.algorithm_name == "ES256"
        jwt.decode(token, key.key, algorithms=["ES256"], audience="souk")

    def test_issues_what_every_service_accepts(self, api, log_in):
        user = make_user()
        token = log_in(user)["access"]
        keyring.refresh()
        deny_list.load()
        answer = api.get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 200
        assert answer.json()["id"] == str(user.id)

    def test_answers_the_same_to_unknown_wrong_and_inactive(self, api):
        user, inactive = make_user(), make_user(is_active=False)
        answers = [
            api.post(URL, {"email": email, "password": password})
            for email, password in (
                ("nobody@shop.example", PASSWORD),
                ("no address at all", PASSWORD),
                (user.email, "wrong horse battery"),
                (inactive.email, PASSWORD),
                (inactive.email, "wrong horse battery"),
            )
        ]
        assert answers[0].status_code == 401
        assert answers[0].json()["code"] == "credentials-invalid"
        assert answers[0]["Content-Type"] == "application/problem+json"
        assert answers[0]["WWW-Authenticate"].startswith("Bearer")
        assert all(without_ids(answer) == without_ids(answers[0]) for answer in answers)
        assert not RefreshFamily.objects.exists()

    @pytest.mark.parametrize("who", ["unknown", "wrong", "inactive", "unconfirmed"])
    def test_hashes_one_password_whoever_asks(self, api, who, hashed):
        """The queries are counted in test_services_attempts."""
        user = make_user(is_active=who != "inactive", awaits_confirmation=who == "unconfirmed")
        email = "nobody@shop.example" if who == "unknown" else user.email
        password = "wrong horse battery" if who == "wrong" else PASSWORD
        answer = api.post(URL, {"email": email, "password": password})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials-invalid")
        assert len(hashed) == 1

    def test_points_at_missing_fields(self, api):
        answer = api.post(URL, {})
        assert answer.status_code == 400
        assert [e["pointer"] for e in answer.json()["errors"]] == ["#/email", "#/password"]

    @pytest.mark.usefixtures("_long_delay")
    def test_answers_429_after_too_many_wrong_passwords(self, api, hashed):
        body = {"email": make_user().email, "password": "wrong horse battery"}
        statuses = [api.post(URL, body).status_code for _ in range(5)]
        assert statuses == [401] * 5
        answer = api.post(URL, {**body, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        assert answer["Content-Type"] == "application/problem+json"
        assert int(answer["Retry-After"]) >= 1
        assert len(hashed) == 5
        elsewhere = {"HTTP_X_FORWARDED_FOR": "192.0.2.2"}
        assert api.post(URL, {**body, "password": PASSWORD}, **elsewhere).status_code == 200

    def test_counts_no_log_in_that_failed_against_the_rate(self, api, settings):
        settings.LOGINS_PER_MINUTE = 1
        body = {"email": make_user().email, "password": PASSWORD}
        for _ in range(3):
            answer = api.post(URL, {**body, "password": "wrong horse battery"})
            assert (answer.status_code, answer.json()["code"]) == (401, "credentials-invalid")
        assert [api.post(URL, body).status_code for _ in range(2)] == [200, 429]

    def test_lets_users_in_while_redis_is_down(self, api, settings):
        default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}
        settings.CACHES = {"default": default}
        settings.LOGINS_PER_MINUTE = 1
        body = {"email": make_user().email, "password": PASSWORD}
        assert [api.post(URL, body).status_code for _ in range(2)] == [200, 200]

    def test_answers_429_beyond_the_rate(self, api, settings):
        settings.LOGINS_PER_MINUTE = 1
        user = make_user()
        body = {"email": user.email, "password": PASSWORD}
        assert api.post(URL, body).status_code == 200
        answer = api.post(URL, body)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        assert int(answer["Retry-After"]) >= 1

    def test_keeps_the_device_and_the_address(self, api):
        user = make_user()
        api.post(
            URL,
            {"email": user.email, "password": PASSWORD},
            HTTP_USER_AGENT="Browser/1 " + "x" * 300,
            HTTP_X_FORWARDED_FOR="203.0.113.9, 192.0.2.1",
        )
        family = RefreshFamily.objects.get()
        assert family.user == user
        assert family.device == ("Browser/1 " + "x" * 300)[:200]
        assert family.ip == "192.0.2.1"
        assert family.expires_at - family.created_at == timedelta(days=30)

    @pytest.mark.parametrize(
        ("seen", "kept"),
        [
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
        ],
    )
    def test_keeps_an_address_in_one_spelling(self, api, seen, kept):
        body = {"email": make_user().email, "password": PASSWORD}
        assert api.post(URL, body, HTTP_X_FORWARDED_FOR=seen).status_code == 200
        assert RefreshFamily.objects.get().ip == kept

    def test_takes_no_address_that_is_none(self, api):
        user = make_user()
        body = {"email": user.email, "password": PASSWORD}
        assert api.post(URL, body, HTTP_X_FORWARDED_FOR="unknown").status_code == 200
        assert RefreshFamily.objects.get().ip is None

    def test_keeps_only_a_hash_of_the_refresh_token(self, log_in):
        token = log_in(make_user())["refresh"]
        row = RefreshToken.objects.values().get()
        assert token not in json.dumps(row, default=str)
        assert len(row["token_hash"]) == 64


@pytest.mark.django_db
class TestRefresh:
    def test_answers_with_new_tokens(self, log_in, refresh):
        first = log_in(make_user())
        answer = refresh(first["refresh"])
        assert answer.status_code == 200
        second = answer.json()
        assert set(second) == set(first)
        assert second["refresh"] != first["refresh"]
        assert second["access"] != first["access"]
        assert answer["Cache-Control"] == "no-store"
        assert refresh(second["refresh"]).status_code == 200

    def test_carries_the_present_role(self, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        user.role = "admin"
        user.save()
        access = refresh(token).json()["access"]
        assert jwt.decode(access, options={"verify_signature": False})["role"] == "admin"

    def test_refuses_a_token_spent_just_now_and_the_family_lives(self, log_in, refresh):
        first = log_in(make_user())["refresh"]
        second = refresh(first).json()["refresh"]
        answer = refresh(first)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
        assert answer["Content-Type"] == "application/problem+json"
        assert refresh(second).status_code == 200

    def test_revokes_the_family_of_a_token_spent_before(self, log_in, refresh):
        user = make_user()
        first, other = log_in(user)["refresh"], log_in(user)["refresh"]
        second = refresh(first).json()["refresh"]
        spent = RefreshToken.objects.filter(consumed_at__isnull=False)
        spent.update(consumed_at=F("consumed_at") - timedelta(seconds=11))
        assert refresh(first).status_code == 401
        answer = refresh(second)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
        assert refresh(other).status_code == 200

    @pytest.mark.parametrize("token", ["unknown", "x" * 4096, "ünïcode"])
    def test_refuses_an_unknown_token(self, refresh, token):
        answer = refresh(token)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    def test_refuses_an_access_token(self, log_in, refresh):
        access = log_in(make_user())["access"]
        assert refresh(access).status_code == 401

    def test_refuses_an_inactive_user(self, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        user.is_active = False
        user.save()
        answer = refresh(token)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    def test_refuses_a_deleted_user(self, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        user.delete()
        assert refresh(token).status_code == 401

    def test_points_at_a_missing_token(self, api):
        answer = api.post(f"{URL}/refresh", {})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "#/refresh"


@pytest.mark.django_db(transaction=True)
class TestRefreshTogether:
    def test_lets_exactly_one_of_twenty_through(self, log_in, refresh):
        token = log_in(make_user())["refresh"]

        def show():
            client = APIClient(raise_request_exception=False)
            return client.post(f"{URL}/refresh", {"refresh": token})

        answers = at_once(*[show] * 20)
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
        assert {a.json()["code"] for a in answers if a.status_code == 401} == {"token-invalid"}
        (winner,) = (answer for answer in answers if answer.status_code == 200)
        assert refresh(winner.json()["refresh"]).status_code == 200
        assert RefreshFamily.objects.get().revoked_at is None


@pytest.mark.django_db
class TestRevoke:
    def test_ends_the_log_in(self, api, log_in, refresh):
        user = make_user()
        token, other = log_in(user)["refresh"], log_in(user)["refresh"]
        answer = api.post(REVOKE_URL, {"refresh": token})
        assert (answer.status_code, answer.content) == (204, b"")
        assert refresh(token).status_code == 401
        assert refresh(other).status_code == 200

    def test_ends_it_by_a_spent_token_too(self, api, log_in, refresh):
        first = log_in(make_user())["refresh"]
        second = refresh(first).json()["refresh"]
        api.post(REVOKE_URL, {"refresh": first})
        assert refresh(second).status_code == 401

    def test_answers_the_same_again_and_to_an_unknown_token(self, api, log_in):
        token = log_in(make_user())["refresh"]
        for shown in (token, token, "unknown"):
            assert api.post(REVOKE_URL, {"refresh": shown}).status_code == 204


@pytest.mark.django_db
class TestRevokeAll:
    def test_ends_every_log_in_of_the_user(self, client_as, log_in, refresh):
        user, other = make_user(), make_user()
        tokens = [log_in(user)["refresh"] for _ in range(2)]
        others = log_in(other)["refresh"]
        assert client_as("customer", user.id).post(REVOKE_ALL_URL).status_code == 204
        assert [refresh(token).status_code for token in tokens] == [401, 401]
        assert refresh(others).status_code == 200

    def test_wants_a_token(self, api):
        answer = api.post(REVOKE_ALL_URL)
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")
        assert answer["WWW-Authenticate"].startswith("Bearer")
