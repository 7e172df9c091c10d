"""The signing keys: made on first need, private halves encrypted, public halves published (ADR 0017)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection, transaction
from django.db.models.functions import Now
from jwt.algorithms import ECAlgorithm

from apps.auth_service import conf, selectors
from apps.auth_service.errors import LeadOutOfRange, RotationUnderWay
from apps.auth_service.models import SigningKey
from chassis import audit, json
from chassis.crypto import fernet
from chassis.tokens.access import AccessToken, ServiceAccessToken
from chassis.tokens.claims import ALGORITHM, LEEWAY_SECONDS

LONGEST_LEAD_SECONDS: Final = 30 * 86_400
VERIFIES_AFTER_SIGNING: Final = (
    max(AccessToken.lifetime, ServiceAccessToken.lifetime)
    + timedelta(seconds=LEEWAY_SECONDS)
    + timedelta(seconds=60)  # for a process that was held up between reading its key and signing
)
"""How long a key is published after its successor signs: until the last token it signed has ended."""

_KEPT_AFTER_RETIREMENT: Final = timedelta(days=1)
_SPARE_SECONDS: Final = 10
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
        _lock_keys()
        return selectors.active_key() or _make_key()


def least_lead_seconds() -> int:
    """Return how soon a new key may sign, so that every verifier has it by then.

    A verifier fetches every KEY_REFRESH_SECONDS, and what it gets may have been cached as long.
    """
    return 2 * conf.key_refresh_seconds()


def rotate(*, by: UUID | None, lead_seconds: int | None = None) -> SigningKey:
    """Publish a new key that signs after a lead, and set when the ones before it retire.

    No token is refused on the way: verifiers have the new key before it signs, and the old ones
    are published until their last token has ended (VERIFIES_AFTER_SIGNING). Audited.

    Args:
        by: the admin who asks, None for a command.
        lead_seconds: until the new key signs; the least lead and some seconds to spare by default.

    Raises:
        LeadOutOfRange: some verifiers would not have the key by then, or it is over 30 days.
        RotationUnderWay: the key of the last rotation does not sign yet.
    """
    lead = _checked_lead(lead_seconds)
    with transaction.atomic(durable=True):
        _lock_keys()
        _refuse_second_rotation()
        ensure_signing_key()  # the one that signs until then
        key = _make_key(activates_in=lead)
        SigningKey.objects.filter(retired_at=None).exclude(pk=key.pk).update(
            retired_at=key.activates_at + VERIFIES_AFTER_SIGNING
        )
        audit.record(
            "signing_key.rotated",
            target_type="signing_key",
            target_id=key.kid,
            actor_id=by,
            activates_at=key.activates_at.isoformat(),
        )
    return key


def replace(*, by: UUID | None) -> SigningKey:
    """Replace stolen keys: a new key signs at once, and all others are out at once. Audited.

    Each verifier refuses what the old keys signed from its next refresh on, within
    KEY_REFRESH_SECONDS. Until it has the new key too, it refuses new tokens as well: users'
    clients refresh, services ask for a new token, both without a new log-in.

    A key that did not sign yet is deleted: no token needs it. `by` as for `rotate`.
    """
    with transaction.atomic(durable=True):
        _lock_keys()
        out = list(selectors.published_keys().values_list("kid", flat=True))
        SigningKey.objects.filter(kid__in=out, activates_at__gte=Now()).delete()
        SigningKey.objects.filter(kid__in=out).update(retired_at=Now())
        key = _make_key()
        audit.record(
            "signing_key.replaced",
            target_type="signing_key",
            target_id=key.kid,
            actor_id=by,
            retired=out,
        )
    return key


def delete_retired(*, now: datetime) -> int:
    """Delete keys that retired over a day ago, private halves and all; return how many. Idempotent."""
    deleted, _ = SigningKey.objects.filter(retired_at__lt=now - _KEPT_AFTER_RETIREMENT).delete()
    return deleted


def _checked_lead(lead_seconds: int | None) -> timedelta:
    least = least_lead_seconds()
    lead = least + _SPARE_SECONDS if lead_seconds is None else lead_seconds
    if not least <= lead <= LONGEST_LEAD_SECONDS:
        raise LeadOutOfRange(
            f"A new key signs after {least} to {LONGEST_LEAD_SECONDS} seconds, not after {lead}."
        )
    return timedelta(seconds=lead)


def _refuse_second_rotation() -> None:
    coming = selectors.coming_key()
    if coming is not None:
        raise RotationUnderWay(
            f"The key {coming.kid} signs from {coming.activates_at:%Y-%m-%d %H:%M:%S} UTC on; "
            "rotate again after that."
        )


def _lock_keys() -> None:
    """Let one process at a time change the keys. Needs a transaction, and lasts as long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])


def _make_key(*, activates_in: timedelta = timedelta(0)) -> SigningKey:
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
