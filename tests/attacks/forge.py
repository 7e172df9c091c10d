"""Makes tokens that must be refused, most of them signed with the platform's own key.

A token is refused for the one thing that is wrong with it: all the rest of it is as auth makes it.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import uuid4

import psycopg
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm

from tests.system.platform import Platform

MISSING: Final = object()
"""In the place of a member: the member is left out."""

FOREIGN: Final = ec.generate_private_key(ec.SECP256R1())
"""An attacker's own key."""

Changes = Mapping[str, Any]
Sign = Callable[[bytes], bytes]
UNCHANGED: Final[Changes] = {}

_SIGNING_KEY: Final = """
SELECT kid, encrypted_private_pem, public_jwk FROM signing_key
WHERE activates_at <= now() AND (retired_at IS NULL OR retired_at > now())
ORDER BY activates_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class In:
    """A time in seconds since 1970, by its distance from the moment at which the token is made."""

    seconds: int
    form: Callable[[int], Any] = int


@dataclass(frozen=True, slots=True)
class Forge:
    """Auth's signing key in an attacker's hands, and the claims of a user who may do all."""

    kid: str
    key: ec.EllipticCurvePrivateKey
    public_jwk: Changes
    """As auth publishes it."""
    issuer: str
    user_id: str

    @classmethod
    def of(cls, platform: Platform, user_id: str) -> Self:
        """Take the key out of auth's database, with auth's own credentials."""
        variables = platform.plan.variables("auth")
        with psycopg.connect(variables["DATABASE_URL"]) as connection:
            row = connection.execute(_SIGNING_KEY).fetchone()
        assert row is not None, "auth has no signing key"
        kid, encrypted, public_jwk = row
        keys = variables["ENCRYPTION_KEYS"].split(",")
        pem = MultiFernet([Fernet(one) for one in keys]).decrypt(bytes(encrypted))
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(kid, key, public_jwk, issuer=platform.url, user_id=user_id)

    def token(
        self,
        *,
        header: Changes | bytes = UNCHANGED,
        claims: Changes | bytes = UNCHANGED,
        sign: Sign | None = None,
    ) -> str:
        """Return a token that is good but for the changes; bytes are taken as they are."""
        parts = (
            header if isinstance(header, bytes) else self.header(header),
            claims if isinstance(claims, bytes) else self.claims(claims),
        )
        text = ".".join(b64(part) for part in parts)
        return f"{text}.{b64((sign or self.sign)(text.encode()))}"

    def header(self, changes: Changes) -> bytes:
        """Return auth's header, changed."""
        return _changed({"alg": "ES256", "typ": "at+jwt", "kid": self.kid}, changes)

    def claims(self, changes: Changes) -> bytes:
        """Return the claims of an admin, changed."""
        claims = {
            "iss": self.issuer,
            "aud": "souk",
            "sub": self.user_id,
            "user_id": self.user_id,
            "role": "admin",
            "iat": In(0),
            "exp": In(300),
            "jti": str(uuid4()),
            "scope": "",
        }
        return _changed(claims, changes)

    def sign(self, text: bytes) -> bytes:
        """Return the signature that auth would make."""
        return signed_by(self.key)(text)

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        """Return the public key as a file of it would hold it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)


def signed_by(key: ec.EllipticCurvePrivateKey) -> Sign:
    """Return what signs with another key."""

    def sign(text: bytes) -> bytes:
        r, s = decode_dss_signature(der_signed_by(key)(text))
        return raw_signature(r, s, key.key_size)

    return sign


def der_signed_by(key: ec.EllipticCurvePrivateKey) -> Sign:
    """Return what signs in the form of certificates (ASN.1 DER), not of tokens."""
    return lambda text: key.sign(text, ec.ECDSA(hashes.SHA256()))


def raw_signature(r: int, s: int, bits: int = 256) -> bytes:
    """Return a signature in the form of tokens (RFC 7518, section 3.4)."""
    length = (bits + 7) // 8
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def jwk_of(key: ec.EllipticCurvePrivateKey, **members: Any) -> dict[str, Any]:
    """Return the public half of a key as a JWK."""
    public: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "alg": "ES256", "use": "sig", **members}


def b64(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _changed(members: Changes, changes: Changes) -> bytes:
    """Return the members as JSON, times worked out now."""
    now = int(time.time())
    changed = {**members, **changes}
    return json.dumps(
        {
            name: value.form(now + value.seconds) if isinstance(value, In) else value
            for name, value in changed.items()
            if value is not MISSING
        }
    ).encode()
