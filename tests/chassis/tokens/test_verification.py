"""What is remembered of a token, and what is asked each time all the same."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chassis.ids import uuid7
from chassis.tokens import access, verification
from chassis.tokens import claims as claim_shapes
from chassis.tokens.access import AccessToken, ServiceAccessToken, VerifyingBackend
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring
from chassis.tokens.principal import Principal
from chassis.tokens.verification import InvalidToken, KeysUnknown, Verifier, verify_admin
from tests.conftest import SigningKey, claims, service_claims


@pytest.fixture
def verifier():
    return Verifier(AccessToken)


@pytest.fixture
def decoded(monkeypatch):
    """Return the list of tokens that were verified anew."""
    seen = []
    verify = VerifyingBackend._verified

    def note(backend, token):
        seen.append(token.decode())
        return verify(backend, token)

    monkeypatch.setattr(VerifyingBackend, "_verified", note)
    return seen


@pytest.fixture
def clock(monkeypatch, verifier):
    """Return a list of how many seconds from now it is."""
    ahead = [0.0]

    def now():
        return time.time() + ahead[0]

    monkeypatch.setattr(access._user_backend, "_clock", now)
    verifier._verdicts = verification.Verdicts(clock=now)
    return ahead


def refuses(verifier, token):
    try:
        verifier.verify(token)
    except InvalidToken:
        return True
    return False


class TestVerdict:
    def test_is_reached_once_for_a_token(self, verifier, signing_key, decoded):
        user_id, other_id = uuid7(), uuid7()
        token = signing_key.sign(claims(user_id=user_id, role="staff", scope="a b"))
        other = signing_key.sign(claims(user_id=other_id))
        expected = Principal(
            subject=str(user_id), role="staff", scopes=frozenset({"a", "b"}), user_id=user_id
        )
        for _ in range(3):
            assert verifier.verify(token).principal == expected
            assert verifier.verify(other).principal.user_id == other_id
        assert decoded == [token, other]

    def test_is_not_remembered_of_a_token_that_is_refused(self, verifier, signing_key, decoded):
        token = signing_key.sign(claims(role="root"))
        assert [refuses(verifier, token) for _ in range(3)] == [True] * 3
        assert decoded == [token] * 3

    def test_is_of_one_kind_of_token(self, signing_key):
        users, services = Verifier(AccessToken), Verifier(ServiceAccessToken)
        of_user = signing_key.sign(claims())
        of_service = signing_key.sign(service_claims("order", "events:read"))
        users.verify(of_user)
        services.verify(of_service)
        assert refuses(services, of_user)
        assert refuses(users, of_service)

    def test_ends_with_the_tokens_exp_and_the_leeway_is_decided_anew(
        self, verifier, signing_key, decoded, clock
    ):
        token = signing_key.sign(claims(exp=int(time.time()) + 10))
        verifier.verify(token)
        clock[0] = 5
        verifier.verify(token)
        assert len(decoded) == 1
        clock[0] = 12
        verifier.verify(token)
        verifier.verify(token)
        assert len(decoded) == 3
        clock[0] = 10 + claim_shapes.LEEWAY_SECONDS + 1
        assert refuses(verifier, token)

    def test_ends_when_its_key_is_retired(self, verifier, signing_key):
        token = signing_key.sign(claims())
        verifier.verify(token)
        successor = SigningKey(kid="next", private=ec.generate_private_key(ec.SECP256R1()))
        keyring.replace({"keys": [signing_key.jwk(), successor.jwk()]})
        verifier.verify(token)
        keyring.replace({"keys": [successor.jwk()]})
        assert refuses(verifier, token)

    def test_is_void_when_the_keys_changed_while_it_was_reached(
        self, verifier, signing_key, monkeypatch
    ):
        token = signing_key.sign(claims())
        stranger = SigningKey(kid="other", private=ec.generate_private_key(ec.SECP256R1()))

        def check_during_a_refresh(backend, verified):
            keyring.replace({"keys": [stranger.jwk()]})

        with monkeypatch.context() as patched:
            patched.setattr(VerifyingBackend, "_check", check_during_a_refresh)
            verifier.verify(token)
        assert refuses(verifier, token)

    def test_stays_when_a_refresh_brings_the_same_keys(self, verifier, signing_key, decoded):
        token = signing_key.sign(claims())
        for _ in range(3):
            verifier.verify(token)
            keyring.replace({"keys": [signing_key.jwk()]})
        assert len(decoded) == 1

    def test_is_kept_of_so_many_tokens_only(self, signing_key, decoded, monkeypatch):
        monkeypatch.setattr(verification, "REMEMBERED", 3)
        verifier = Verifier(AccessToken)
        tokens = [signing_key.sign(claims()) for _ in range(5)]
        for token in [*tokens, *tokens[2:]]:
            verifier.verify(token)
        assert len(decoded) == 5
        assert len(verifier._verdicts._kept) == 3
        verifier.verify(tokens[0])
        assert len(decoded) == 6

    def test_is_kept_without_the_tokens_text(self, verifier, signing_key):
        token = signing_key.sign(claims())
        verifier.verify(token)
        assert [len(digest) for digest in verifier._verdicts._kept] == [32]


class TestDenyList:
    @pytest.mark.parametrize("seen", [True, False])
    def test_is_asked_about_every_token_seen_before_or_not(self, verifier, signing_key, seen):
        user_id, now = uuid7(), int(time.time())
        token = signing_key.sign(claims(user_id=user_id, iat=now))
        later = signing_key.sign(claims(user_id=user_id, iat=now + 1))
        others = signing_key.sign(claims(iat=now))
        if seen:
            assert not refuses(verifier, token)
        deny_list.replace({user_id: now + 0.5})
        assert refuses(verifier, token)
        assert not refuses(verifier, later)
        assert not refuses(verifier, others)
        deny_list.replace({})
        assert not refuses(verifier, token)

    def test_refuses_a_token_of_the_very_second(self, verifier, signing_key):
        user_id, now = uuid7(), int(time.time())
        deny_list.replace({user_id: float(now)})
        assert refuses(verifier, signing_key.sign(claims(user_id=user_id, iat=now)))

    def test_must_be_loaded_before_any_token_is_good(self, verifier, signing_key, monkeypatch):
        token = signing_key.sign(claims())
        verifier.verify(token)
        monkeypatch.setattr(deny_list, "loaded", False)
        with pytest.raises(KeysUnknown):
            verifier.verify(token)

    def test_knows_no_services(self, signing_key):
        deny_list.replace({uuid7(): time.time() + 5})
        Verifier(ServiceAccessToken).verify(
            signing_key.sign(service_claims("order", "events:read"))
        )


class TestText:
    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_has_no_padding(self, verifier, signing_key, part):
        """PyJWT takes it: a token would have several texts."""
        parts = signing_key.sign(claims()).split(".")
        parts[part] += "=" * (-len(parts[part]) % 4 or 4)
        assert refuses(verifier, ".".join(parts))

    def test_has_no_bits_to_spare_in_its_last_letter(self, verifier, signing_key):
        """A signature of 64 bytes leaves four bits of its last letter: others decode to the same."""
        token = signing_key.sign(claims())
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        same = [alphabet[alphabet.index(token[-1]) // 16 * 16 + spare] for spare in range(16)]
        taken = [last for last in same if not refuses(verifier, (token[:-1] + last))]
        assert taken == [token[-1]]

    def test_is_at_most_4096_bytes_long(self, verifier, signing_key):
        tokens = [signing_key.sign(claims(more="x" * size)) for size in (2600, 2800)]
        assert [len(token) > 4096 for token in tokens] == [False, True]
        assert [refuses(verifier, token) for token in tokens] == [False, True]


class TestVerifyAdmin:
    @pytest.fixture(autouse=True)
    def _as_catalog(self, settings):
        settings.SERVICE = "catalog"

    @pytest.fixture
    def admin_token(self, signing_key):
        def issue(**changes):
            return signing_key.sign(
                claims(**{"aud": "souk-admin-catalog", "role": "staff"} | changes)
            )

        return issue

    @pytest.mark.parametrize("role", ["staff", "admin"])
    def test_knows_staff(self, admin_token, role):
        user_id = uuid7()
        token = admin_token(role=role, user_id=user_id)
        assert verify_admin(token) == verify_admin(token)
        principal = verify_admin(token)
        assert (principal.user_id, principal.role) == (user_id, role)

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "souk"},
            {"aud": "souk-internal"},
            {"aud": "souk-admin-order"},
            {"aud": "souk-admin-"},
            {"aud": ["souk-admin-catalog"]},
            {"aud": ["souk-admin-catalog", "souk"]},
            {"role": "customer"},
            {"role": "service"},
            {"user_id": "1"},
        ],
        ids=str,
    )
    def test_refuses_others(self, admin_token, changes):
        token = admin_token(**changes)
        for _ in range(2):
            with pytest.raises(InvalidToken):
                verify_admin(token)

    @pytest.mark.parametrize("text", ["", "é", "\ud800", "a.b.c"])
    def test_refuses_what_is_no_token(self, signing_key, text):
        with pytest.raises(InvalidToken):
            verify_admin(text)

    def test_asks_the_deny_list(self, admin_token):
        user_id = uuid7()
        token = admin_token(user_id=user_id)
        verify_admin(token)
        deny_list.replace({user_id: time.time()})
        with pytest.raises(InvalidToken):
            verify_admin(token)

    def test_gives_a_token_that_is_no_access_token(self, admin_token, verifier):
        assert refuses(verifier, admin_token())

    def test_cannot_tell_without_keys(self, admin_token):
        token = admin_token()
        keyring.replace({"keys": []})
        with pytest.raises(KeysUnknown):
            verify_admin(token)
