"""The signing keys: made on first need, private halves encrypted, public halves published (ADR 0017).

They are rotated, replaced and deleted in services/keys.py.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import structlog
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection, transaction
from django.db.models.functions import Now
from jwt.algorithms import ECAlgorithm

from apps.auth_service import selectors
from apps.auth_service.models import SigningKey
from chassis import json
from chassis.crypto import fernet
from chassis.tokens.claims import ALGORITHM

_LOCK: Final = "souk.auth.signing_key"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key pair ready to sign."""

    kid: str
    key: ec.EllipticCurvePrivateKey


def own_keys() -> dict[str, Any]:
    """Return the JWK set (RFC 7517) of the published keys; makes the first key if there is none."""
    keys = list(selectors.published_keys()) or [ensure_signing_key()]
    return {"keys": [key.public_jwk for key in keys]}


def current_key() -> PrivateKey:
    """Return the key that signs now; makes the first one if there is none.

    The database is asked each time, so that a rotation is seen at once by every process.
    """
    row = selectors.active_key() or ensure_signing_key()
    return PrivateKey(kid=row.kid, key=_decrypted(bytes(row.encrypted_private_pem)))


def ensure_signing_key() -> SigningKey:
    """Return the key that signs, made if there is none. Idempotent, and safe when run at once."""
    with transaction.atomic():
        lock_keys()
        return selectors.active_key() or make_key()


def is_readable(key: SigningKey) -> bool:
    """Tell whether ENCRYPTION_KEYS still decrypt a key's private half."""
    try:
        fernet().decrypt(bytes(key.encrypted_private_pem))
    except InvalidToken:
        return False
    return True


def lock_keys() -> None:
    """Let one process at a time change the keys. Needs a transaction, and lasts as long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])


def make_key(*, activates_in: timedelta = timedelta(0)) -> SigningKey:
    """Save a new key that is published at once. Call it with the keys locked."""
    private = ec.generate_private_key(ec.SECP256R1())
    public_jwk = _public_jwk(private)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = SigningKey.objects.create(
        kid=public_jwk["kid"],
        algorithm=ALGORITHM,
        public_jwk=public_jwk,
        encrypted_private_pem=fernet().encrypt(pem),
        created_at=Now(),
        activates_at=Now() + activates_in,
    )
    key.refresh_from_db()
    log.info("signing_key_made", kid=key.kid, algorithm=ALGORITHM)
    return key


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public half; its kid is the thumbprint of RFC 7638."""
    full = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    required = {name: full[name] for name in ("crv", "kty", "x", "y")}
    digest = sha256(json.encode(required)).digest()
    kid = urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {**required, "kid": kid, "alg": ALGORITHM, "use": "sig"}


@lru_cache(maxsize=4)
def _decrypted(encrypted_pem: bytes) -> ec.EllipticCurvePrivateKey:
    pem = fernet().decrypt(encrypted_pem)
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"a signing key is a {type(key).__name__}")
    return key
