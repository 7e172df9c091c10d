"""The signing keys."""

from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone

from apps.auth_service import keys
from apps.auth_service.models import SigningKey
from chassis.crypto import fernet
from tests.auth_service.racing import at_once


@pytest.mark.django_db
class TestEnsureSigningKey:
    def test_makes_one_and_keeps_it(self):
        first = keys.ensure_signing_key()
        assert keys.ensure_signing_key() == first
        assert SigningKey.objects.count() == 1

    def test_names_it_by_its_thumbprint(self):
        key = keys.ensure_signing_key()
        public = {name: key.public_jwk[name] for name in ("kty", "crv", "x", "y")}
        assert key.kid == key.public_jwk["kid"]
        assert len(key.kid) == 43
        assert jwt.PyJWK({**public, "alg": "ES256"}).key

    def test_encrypts_the_private_half(self):
        key = keys.ensure_signing_key()
        with connection.cursor() as cursor:
            cursor.execute("SELECT signing_key::text, encrypted_private_pem FROM signing_key")
            text, stored = cursor.fetchone()
        assert "PRIVATE KEY" not in text
        pem = fernet().decrypt(bytes(stored))
        assert pem not in bytes(stored)
        private = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        expected = jwt.PyJWK(key.public_jwk).key.public_numbers()
        assert private.public_key().public_numbers() == expected
        scalar = private.private_numbers().private_value
        assert scalar.to_bytes(32, "big") not in bytes(stored)
        assert str(scalar) not in text


def published() -> list[str]:
    return [key["kid"] for key in keys.own_keys()["keys"]]


@pytest.mark.django_db
class TestPublishedKeys:
    @pytest.fixture
    def make_key(self):
        def make(*, activates_in=timedelta(0), retired_in=None):
            now = timezone.now()
            key = keys.make_key()
            key.activates_at = now + activates_in
            key.retired_at = None if retired_in is None else now + retired_in
            key.save()
            return key

        return make

    def test_signs_with_the_newest_active_key(self, make_key):
        make_key(activates_in=-timedelta(hours=2))
        newest = make_key(activates_in=-timedelta(hours=1))
        make_key(activates_in=timedelta(hours=1))
        make_key(activates_in=-timedelta(minutes=2), retired_in=-timedelta(minutes=1))
        assert keys.current_key().kid == newest.kid

    def test_publishes_coming_and_present_keys_but_no_retired_one(self, make_key):
        coming = make_key(activates_in=timedelta(hours=1))
        present = make_key(activates_in=-timedelta(hours=1), retired_in=timedelta(hours=1))
        make_key(activates_in=-timedelta(hours=2), retired_in=-timedelta(hours=1))
        assert published() == [coming.kid, present.kid]


@pytest.mark.django_db(transaction=True)
class TestTogether:
    @pytest.mark.parametrize("act", [keys.ensure_signing_key, keys.own_keys, keys.current_key])
    def test_make_one_key(self, act):
        at_once(*[act] * 8)
        assert SigningKey.objects.count() == 1
