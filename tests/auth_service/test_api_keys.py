"""GET /.well-known/jwks.json."""

import pytest

from apps.auth_service.models import SigningKey

URL = "/.well-known/jwks.json"


@pytest.mark.django_db
class TestKeys:
    def test_are_public_and_may_be_cached_for_a_minute(self, api):
        answer = api.get(URL)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "public, max-age=60"

    def test_hold_the_public_half_alone(self, api):
        (key,) = api.get(URL).json()["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")

    def test_are_made_once(self, api):
        assert api.get(URL).json() == api.get(URL).json()
        assert SigningKey.objects.count() == 1
