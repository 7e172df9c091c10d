"""POST /internal/v1/service-tokens."""

import base64
import hmac
import time
from hashlib import sha256
from uuid import UUID

import jwt
import pytest
from django.utils import timezone

from apps.auth_service.models import ServiceClient
from tests.environment import client_secret

URL = "/internal/v1/service-tokens"
SECRETS = {
    "order": client_secret("order"),
    "catalog": client_secret("catalog"),
}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.django_db
class TestServiceToken:
    @pytest.mark.parametrize(
        ("client_id", "scope"),
        [("order", "stock:reserve events:read"), ("catalog", "events:read")],
    )
    def test_is_issued_with_exactly_these_claims(self, api, client_id, scope):
        answer = api.post(URL, HTTP_AUTHORIZATION=basic(client_id, SECRETS[client_id]))
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert set(body) == {"access", "expires_in"}
        assert body["expires_in"] == 3600
        keys = jwt.PyJWKSet.from_dict(api.get("/.well-known/jwks.json").json())
        header = jwt.get_unverified_header(body["access"])
        assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
        key = keys[header["kid"]].key
        claims = jwt.decode(body["access"], key, algorithms=["ES256"], audience="souk-internal")
        issued_at = claims["iat"]
        assert abs(issued_at - time.time()) <= 5
        assert UUID(claims.pop("jti")).version == 7
        assert claims == {
            "iss": "http://127.0.0.1:8000",
            "aud": "souk-internal",
            "sub": client_id,
            "role": "service",
            "scope": scope,
            "iat": issued_at,
            "exp": issued_at + 3600,
        }

    def test_is_given_for_either_of_two_secrets(self, api, settings):
        old, new = "old-secret-0123456789", "new-secret-0123456789"
        settings.CLIENT_SECRET_HASHES = {
            "order": [sha256(secret.encode()).hexdigest() for secret in (old, new)]
        }
        for secret in (old, new):
            answer = api.post(URL, HTTP_AUTHORIZATION=basic("order", secret))
            assert answer.status_code == 200
        settings.CLIENT_SECRET_HASHES = {"order": [sha256(new.encode()).hexdigest()]}
        answer = api.post(URL, HTTP_AUTHORIZATION=basic("order", old))
        assert (answer.status_code, answer.json()["code"]) == (401, "client-invalid")

    def test_is_noted_with_the_secret_that_was_shown(self, api, settings):
        hashes = [sha256(secret.encode()).hexdigest() for secret in ("old", "new")]
        settings.CLIENT_SECRET_HASHES = {"order": hashes}
        before = timezone.now()
        for secret, hashed in zip(("old", "new"), hashes, strict=True):
            api.post(URL, HTTP_AUTHORIZATION=basic("order", secret))
            client = ServiceClient.objects.get()
            assert (client.client_id, client.last_secret) == ("order", hashed[:8])
            assert client.last_token_at > before
            before = client.last_token_at

    def test_leaves_no_note_of_a_refused_client(self, api):
        api.post(URL, HTTP_AUTHORIZATION=basic("order", "wrong"))
        assert not ServiceClient.objects.exists()

    @pytest.mark.parametrize(
        "header",
        [
            basic("order", "wrong"),
            basic("order", ""),
            basic("order", SECRETS["catalog"]),
            basic("nobody", SECRETS["order"]),
            basic("", ""),
            basic("order", "sécret"),
            "Basic",
            "Basic a b",
            "Basic not-base64",
        ],
    )
    def test_is_refused_to_others(self, api, header):
        answer = api.post(URL, HTTP_AUTHORIZATION=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "client-invalid")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == 'Basic realm="souk-internal"'

    def test_is_refused_without_credentials(self, api, as_admin):
        for client in (api, as_admin):
            answer = client.post(URL)
            assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")
            assert answer["WWW-Authenticate"].startswith("Basic")

    def test_compares_with_every_secret_in_constant_time(self, api, settings, monkeypatch):
        compared = []

        def counted(one: str, two: str) -> bool:
            compared.append(two)
            return compare(one, two)

        compare = hmac.compare_digest
        monkeypatch.setattr("apps.auth_service.services.clients.hmac.compare_digest", counted)
        hashes = [sha256(secret).hexdigest() for secret in (b"first", b"second")]
        settings.CLIENT_SECRET_HASHES = {"order": hashes}
        api.post(URL, HTTP_AUTHORIZATION=basic("order", "first"))
        assert compared == hashes
        compared.clear()
        answer = api.post(URL, HTTP_AUTHORIZATION=basic("nobody", "x"))
        assert (answer.status_code, answer.json()["code"]) == (401, "client-invalid")
        assert len(compared) == 1
