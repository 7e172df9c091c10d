"""The examples of the RFCs: well signed, by keys that are even published as ours, and no tokens of ours."""

import json

import jwt
import pytest

from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring, keys_of
from chassis.tokens.verification import InvalidToken, users
from tests.chassis.tokens.examples import ES256_KEY, EXAMPLES, UNSECURED

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def published(example, **changes):
    """Return the example's key as a JWK of ours would look."""
    kid = example.key.get("kid", example.name)
    return {**example.key, "kid": kid, "use": "sig", "alg": example.algorithm, **changes}


@pytest.fixture
def _ring_with_every_key():
    """Let the ring know a key for each kid of the examples, whatever its algorithm."""
    deny_list.replace({})
    keyring.replace(
        {"keys": [{**ES256_KEY, "kid": published(e)["kid"], "alg": "ES256"} for e in EXAMPLES]}
    )
    yield
    keyring.replace({"keys": []})


def assert_refused(text):
    with pytest.raises(InvalidToken):
        users.verify(text)


@each_example
class TestExample:
    def test_is_signed_as_the_rfc_says(self, example):
        """A wrong copy of the RFC would be refused too, and prove nothing."""
        key = jwt.PyJWK(example.key, example.algorithm)
        assert jwt.PyJWS().decode(example.token, key, algorithms=[example.algorithm])
        text = example.token
        other = "B" if text[-5] == "A" else "A"
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.PyJWS().decode(
                f"{text[:-5]}{other}{text[-4:]}", key, algorithms=[example.algorithm]
            )

    @pytest.mark.usefixtures("_ring_with_every_key")
    def test_is_no_token(self, example):
        assert_refused(example.token)

    @pytest.mark.usefixtures("_ring_with_every_key")
    def test_is_no_token_in_the_json_serializations(self, example):
        assert_refused(json.dumps(example.flattened, separators=(",", ":")))
        assert_refused(json.dumps(example.general, separators=(",", ":")))

    def test_has_a_key_that_is_ours_with_es256_only(self, example):
        keys = keys_of({"keys": [published(example)]})
        assert [key.algorithm for key in keys.values()] == (
            ["ES256"] if example.algorithm == "ES256" else []
        )

    def test_has_a_key_that_calling_it_es256_does_not_make_ours(self, example):
        keys = keys_of({"keys": [published(example, alg="ES256")]})
        assert bool(keys) == (example.algorithm == "ES256")


@pytest.mark.usefixtures("_ring_with_every_key")
class TestUnsecuredExample:
    def test_is_no_token(self):
        assert_refused(UNSECURED)
