import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chassis.models import VerificationKeys
from chassis.rest import Unavailable
from chassis.tokens.keys import KeyRing
from tests.conftest import SigningKey


@pytest.fixture
def key():
    return SigningKey(kid="one", private=ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def ring():
    return KeyRing()


@pytest.fixture
def source(settings):
    """Return a function that decides what auth answers."""
    settings.KEY_SOURCE = "tests.chassis.tokens.test_keys.answer"
    ANSWERS.clear()
    return ANSWERS.append


ANSWERS: list[object] = []


def answer():
    found = ANSWERS[-1]
    if isinstance(found, Exception):
        raise found
    return found


class TestFind:
    def test_finds_a_key_by_its_kid_and_none_else(self, ring, key):
        ring.replace({"keys": [key.jwk()]})
        assert ring.find("one").algorithm == "ES256"
        assert ring.find("two") is None

    def test_asks_for_a_refresh_for_unknown_kids_once_in_thirty_seconds(
        self, ring, key, monkeypatch
    ):
        ring.replace({"keys": [key.jwk()]})
        now = [1000.0]
        monkeypatch.setattr("chassis.tokens.keys.time.monotonic", lambda: now[0])
        asked = []
        monkeypatch.setattr(ring._wanted, "set", lambda: asked.append(now[0]))
        ring.find("one")
        for second in range(1000, 1061):
            now[0] = float(second)
            for number in range(10):
                ring.find(f"made up {second} {number}")
        assert asked == [1000.0, 1030.0, 1060.0]

    def test_wakes_the_refresh_and_does_nothing_else(self, ring, settings):
        settings.KEY_REFRESH_SECONDS = 60
        ring.find("unknown")
        assert ring._wanted.is_set()
        ring.wait_for_next_refresh()
        assert not ring._wanted.is_set()


class TestNumber:
    def test_changes_with_the_set_of_keys_and_not_with_each_refresh(self, ring, key):
        numbers = [ring.number]
        for jwks in (
            {"keys": [key.jwk()]},
            {"keys": [key.jwk()]},
            {"keys": [key.jwk(), {"kty": "RSA", "kid": "not ours", "alg": "RS256"}]},
            {"keys": [SigningKey(kid="two", private=key.private).jwk(), key.jwk()]},
            {"keys": [key.jwk()]},
        ):
            ring.replace(jwks)
            numbers.append(ring.number)
        assert numbers == [0, 1, 1, 1, 2, 3]

    def test_changes_when_another_key_takes_a_kid(self, ring, key):
        ring.replace({"keys": [key.jwk()]})
        stranger = SigningKey(kid="one", private=ec.generate_private_key(ec.SECP256R1()))
        ring.replace({"keys": [stranger.jwk()]})
        assert ring.number == 2


class TestReplace:
    @pytest.mark.parametrize(
        "entry",
        [
            {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "bad"},
            {"kty": "oct", "k": "c2VjcmV0", "alg": "ES256", "kid": "bad"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256", "kid": "bad"},
            {"alg": "ES256", "kid": "bad"},
            {"kty": "EC"},
            "text",
            None,
        ],
        ids=str,
    )
    def test_leaves_out_what_is_not_ours(self, ring, key, entry):
        ring.replace({"keys": [entry, key.jwk()]})
        assert ring.find("bad") is None
        assert ring.find("one") is not None

    def test_leaves_out_a_key_without_a_kid(self, ring, key):
        ring.replace({"keys": [{**key.jwk(), "kid": None}]})
        assert not ring


@pytest.mark.django_db
class TestRefresh:
    def test_keeps_the_keys_for_a_start_without_auth(self, ring, key, source):
        source({"keys": [key.jwk()]})
        ring.refresh()
        restarted = KeyRing()
        assert not restarted
        restarted.load()
        assert restarted.find("one") is not None

    def test_drops_a_key_that_auth_dropped(self, ring, key, source):
        source({"keys": [key.jwk()]})
        ring.refresh()
        second = SigningKey(kid="two", private=key.private)
        source({"keys": [second.jwk()]})
        ring.refresh()
        assert ring.find("one") is None
        assert ring.find("two") is not None
        assert VerificationKeys.objects.get().jwks == {"keys": [second.jwk()]}

    @pytest.mark.parametrize(
        "later", [{}, {"keys": []}, {"keys": ["x"]}, {"keys": 5}, [], "text", Unavailable("down")]
    )
    def test_keeps_the_present_keys_when_auth_answers_none(self, ring, key, source, later):
        source({"keys": [key.jwk()]})
        ring.refresh()
        source(later)
        with pytest.raises(Unavailable):
            ring.refresh()
        assert ring.find("one") is not None
        assert VerificationKeys.objects.get().jwks == {"keys": [key.jwk()]}

    def test_loads_nothing_from_an_empty_database(self, ring):
        ring.load()
        assert not ring
