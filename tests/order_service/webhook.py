"""The payment provider of the tests: signs its messages by itself, with no code of the service."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from typing import Any, Final

from chassis.ids import uuid7
from tests.order_service.factories import ORDERS

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATH: Final = f"{ORDERS}/payments/webhook"


def body_of(kind: str, payment: Any, **data: Any) -> bytes:
    """Return what the provider says of a payment."""
    told = {
        "payment_id": str(payment.id),
        "amount": str(payment.amount),
        "currency": payment.currency,
        "reference": "ch_1",
        **data,
    }
    return json.dumps({"type": f"payment.{kind}", "data": told}).encode()


def signed(body: bytes, *, message_id: str, at: int, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a message."""
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + b64encode(digest).decode(),
    }


def send(
    api: Any,
    body: bytes,
    *,
    message_id: str | None = None,
    ahead: int = 0,
    at: int | None = None,
    secret: str = SECRET,
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """Send a message, signed so many seconds ahead of now, or at a time in seconds since 1970."""
    own = signed(
        body,
        message_id=message_id or f"msg_{uuid7()}",
        at=int(time.time()) + ahead if at is None else at,
        secret=secret,
    )
    return api.generic("POST", PATH, body, content_type=content_type, headers=own | headers)


def tell(api: Any, kind: str, payment: Any, **options: Any) -> Any:
    """Tell that a payment succeeded, was declined or was refunded."""
    data = options.pop("data", {})
    return send(api, body_of(kind, payment, **data), **options)
