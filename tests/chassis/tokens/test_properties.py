"""Whatever is shown as a token: it is valid, or it is a 401 that says so. Never anything else."""

import json
import re
import time

import jwt
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from chassis.ids import uuid7
from chassis.tokens.keys import keyring
from chassis.tokens.verification import InvalidToken, Verifier, admins, services, users
from tests.chassis.tokens.forging import b64, raw_token
from tests.conftest import claims, service_claims

pytestmark = [
    pytest.mark.urls("tests.chassis.sample.urls"),
    pytest.mark.usefixtures("signing_key"),
]

often = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
KINDS = st.sampled_from([users, services, admins])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["souk", "souk-internal", "admin", "service", "a b", 10**30, -(10**30), 1e30]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
# What Python's json writes and RFC 8259 does not know.
VALID_JSON = JSON.filter(lambda value: not re.search(r"NaN|Infinity", json.dumps(value)))
CLAIM_NAMES = ["iss", "aud", "sub", "user_id", "role", "exp", "iat", "nbf", "jti", "scope", "more"]
HEADER_NAMES = ["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip"]


def outcome(verifier: Verifier, token: str) -> bool:
    """Tell whether the token is valid; any exception but the one is the test's failure.

    What is valid here is valid to PyJWT as well, and says the same.
    """
    try:
        verdict = verifier.verify(token)
    except InvalidToken:
        return False
    key = keyring.find(jwt.get_unverified_header(token)["kid"])
    assert key is not None
    payload = jwt.decode(
        token,
        key.key,
        algorithms=["ES256"],
        audience=["souk", "souk-internal", f"souk-admin-{settings.SERVICE}"],
        issuer=settings.PUBLIC_URL,
        leeway=5,
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
    )
    own = verdict.principal
    assert [payload["sub"], payload["role"]] == [own.subject, own.role]
    assert [payload["iat"], payload["exp"]] == [verdict.issued_at, verdict.ends_at]
    return True


def header(signing_key, **changes):
    return {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.kid, **changes}


def dumped(value):
    return json.dumps(value).encode()


class TestAnyText:
    @given(kind=KINDS, token=st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
    @often
    def test_are_no_token(self, kind, token):
        assert outcome(kind, token) is False

    @given(kind=KINDS, parts=st.lists(st.binary(max_size=60), min_size=1, max_size=5))
    @often
    def test_are_no_token_as_its_parts(self, kind, parts):
        assert outcome(kind, ".".join(b64(part) for part in parts)) is False

    @given(text=st.text(st.characters(max_codepoint=255), max_size=300))
    @often
    def test_end_in_401_on_the_wire(self, text):
        response = APIClient(raise_request_exception=False).get(
            "/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {text}"
        )
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert response.json()["code"] == "token-invalid"


class TestAnyJson:
    @given(kind=KINDS, head=JSON, payload=JSON)
    @often
    def test_is_no_token_however_well_signed(self, signing_key, kind, head, payload):
        assert outcome(kind, raw_token(signing_key, head, dumped(payload))) is False

    @given(kind=KINDS, payload=st.dictionaries(st.sampled_from(CLAIM_NAMES), JSON))
    @often
    def test_is_no_token_as_claims(self, signing_key, kind, payload):
        """All of the nine that are asked for never come out right by chance."""
        token = raw_token(signing_key, header(signing_key), dumped(payload))
        assert outcome(kind, token) is False

    @given(payload=st.binary(max_size=200))
    @often
    def test_is_no_token_with_any_payload(self, signing_key, payload):
        assert outcome(users, raw_token(signing_key, header(signing_key), payload)) is False

    @given(changes=st.dictionaries(st.sampled_from(HEADER_NAMES), VALID_JSON, min_size=1))
    @often
    def test_in_the_header_makes_no_token_unless_it_may_be_ignored(self, signing_key, changes):
        head = header(signing_key, **changes)
        good = {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.kid}
        ignored = {name: head.get(name) for name in good} == good and not {"crit", "b64"} & set(
            head
        )
        token = raw_token(signing_key, head, dumped(claims()))
        assert outcome(users, token) is ignored

    @given(name=st.sampled_from(CLAIM_NAMES[:-1]), value=JSON)
    @often
    def test_in_one_claim_makes_no_token_or_a_right_one(self, signing_key, name, value):
        payload = claims()
        now = int(time.time())
        right = {
            "scope": isinstance(value, str),
            "nbf": type(value) is int and 0 <= value <= now,
            "exp": isinstance(value, int) and now < value <= 253_402_300_799,
            "iat": type(value) is int and 0 <= value <= now,
        }.get(name, value == payload.get(name, payload))
        token = raw_token(signing_key, header(signing_key), dumped({**payload, name: value}))
        assert outcome(users, token) is right


class TestMutation:
    @given(data=st.data())
    @often
    def test_of_a_valid_token_is_no_token(self, signing_key, data):
        token = list(signing_key.sign(claims()))
        at = data.draw(st.integers(0, len(token) - 1))
        how = data.draw(st.sampled_from(["change", "insert", "delete", "cut"]))
        letter = data.draw(st.characters(max_codepoint=255))
        before = "".join(token)
        if how == "change":
            token[at] = letter
        elif how == "insert":
            token.insert(at, letter)
        else:
            del token[at : at + 1 if how == "delete" else None]
        assert outcome(users, before)
        assert outcome(users, "".join(token)) is ("".join(token) == before)

    @given(first=st.integers(0, 2), second=st.integers(0, 2))
    @often
    def test_of_the_order_of_its_parts_is_no_token(self, signing_key, first, second):
        parts = signing_key.sign(claims()).split(".")
        parts[first], parts[second] = parts[second], parts[first]
        assert outcome(users, ".".join(parts)) is (first == second)


class TestValidClaims:
    @given(
        user_id=st.uuids(),
        jti=st.uuids(),
        role=st.sampled_from(["customer", "staff", "admin"]),
        scopes=st.lists(st.from_regex(r"[a-z]{1,8}:[a-z]{1,8}", fullmatch=True), max_size=4),
        age=st.integers(0, 10**9),
        left=st.integers(30, 10**9),
        more=VALID_JSON,
    )
    @often
    def test_make_a_token(self, signing_key, user_id, jti, role, scopes, age, left, more):
        now = int(time.time())
        payload = claims(
            user_id=user_id,
            jti=str(jti),
            role=role,
            scope=" ".join(scopes),
            iat=now - age,
            exp=now + left,
            more=more,
        )
        token = raw_token(signing_key, header(signing_key), dumped(payload))
        assert outcome(users, token)
        verdict = users.verify(token)
        assert verdict.principal.user_id == user_id
        assert verdict.principal.role == role
        assert verdict.principal.scopes == set(scopes)
        assert (verdict.issued_at, verdict.ends_at) == (now - age, now + left)

    @given(client_id=st.text(max_size=30), scope=st.sampled_from(["", "stock:reserve"]))
    @often
    def test_make_a_services_token(self, signing_key, client_id, scope):
        token = signing_key.sign(service_claims(client_id, scope, jti=str(uuid7())))
        principal = services.verify(token).principal
        assert (principal.subject, principal.user_id) == (client_id, None)
