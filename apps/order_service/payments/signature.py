"""Who sent a message: the signatures of Standard Webhooks 1.0 (standardwebhooks.com)."""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.order_service.errors import WebhookExpired, WebhookSignatureInvalid

WINDOW_SECONDS: Final = 300
"""How far the time in a signature may be from ours, before or after."""

LONGEST_ID: Final = 200

_ID: Final = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_ID}}}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_KEY_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The headers webhook-id, webhook-timestamp and webhook-signature as they came."""

    message_id: str
    timestamp: str
    signatures: str


def verify(
    headers: SignedHeaders, body: bytes, *, secrets: Sequence[str], now: datetime
) -> datetime:
    """Return when a message was sent, if it was signed with one of the secrets, and lately.

    Args:
        headers: of the request.
        body: of the request, as it came.
        secrets: each whsec_ and the base64 of a key; with none, no message is taken.
        now: what the signature's time is compared with.

    Raises:
        WebhookSignatureInvalid: a header is missing or malformed, or no signature fits.
        WebhookExpired: the signature fits, and its time is over or far ahead.
    """
    if not _ID.fullmatch(headers.message_id) or not _TIMESTAMP.fullmatch(headers.timestamp):
        raise WebhookSignatureInvalid
    signed = f"{headers.message_id}.{headers.timestamp}.".encode() + body
    if not _fits(headers.signatures, [_signature(secret, signed) for secret in secrets]):
        raise WebhookSignatureInvalid
    seconds = int(headers.timestamp)
    if abs(seconds - now.timestamp()) > WINDOW_SECONDS:
        raise WebhookExpired
    return datetime.fromtimestamp(seconds, UTC)


def _signature(secret: str, signed: bytes) -> bytes:
    key = b64decode(secret.removeprefix(_KEY_PREFIX))
    return b64encode(hmac.digest(key, signed, hashlib.sha256))


def _fits(signatures: str, expected: Iterable[bytes]) -> bool:
    """Tell whether one of the space-separated signatures of our version is one of those expected."""
    given = [
        entry.removeprefix(_VERSION).encode(errors="surrogateescape")
        for entry in signatures.split(" ")
        if entry.startswith(_VERSION)
    ]
    # No short cut: how long it takes does not tell which one fitted.
    return any([hmac.compare_digest(one, other) for one in given for other in expected])  # noqa: C419
