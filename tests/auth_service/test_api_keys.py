"""GET /.well-known/jwks.json."""

import pytest

from apps.auth_service.models import SigningKey
from apps.auth_service.services import keys

URL = "/.well-known/jwks.json"


@pytest.mark.django_db
class TestKeys:
    def test_are_public_and_may_be_cached_until_verifiers_ask_again(self, api, settings):
        settings.KEY_REFRESH_SECONDS = 45
        answer = api.get(URL)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "public, max-age=45"

    @pytest.mark.parametrize("offered", ["{0}", "W/{0}", '"other", {0}', "*"])
    def test_are_not_sent_again_to_who_has_them(self, api, offered):
        first = api.get(URL)
        answer = api.get(URL, HTTP_IF_NONE_MATCH=offered.format(first["ETag"]))
        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer["ETag"], answer["Cache-Control"]) == (first["ETag"], first["Cache-Control"])

    @pytest.mark.parametrize("offered", ['"other"', "no-quotes", ""])
    def test_are_sent_to_who_has_others(self, api, offered):
        answer = api.get(URL, HTTP_IF_NONE_MATCH=offered)
        assert answer.status_code == 200
        assert answer["ETag"].startswith('"')

    def test_have_another_etag_when_one_is_added(self, api):
        first = api.get(URL)
        keys.rotate(by=None)
        answer = api.get(URL, HTTP_IF_NONE_MATCH=first["ETag"])
        assert answer.status_code == 200
        assert len(answer.json()["keys"]) == 2

    def test_answer_head_without_a_body(self, api):
        first, answer = api.get(URL), api.head(URL)
        assert (answer.status_code, answer["ETag"]) == (200, first["ETag"])
        assert answer.content == b""

    def test_hold_the_public_half_alone(self, api):
        (key,) = api.get(URL).json()["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")

    def test_are_made_once(self, api):
        assert api.get(URL).json() == api.get(URL).json()
        assert SigningKey.objects.count() == 1
