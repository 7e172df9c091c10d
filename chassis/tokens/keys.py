"""The verification keys: fetched from auth, kept in the service's own database, held in memory."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
import jwt
import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from chassis.models import VerificationKeys
from chassis.rest import RestClient, Unavailable
from chassis.tokens.claims import ALGORITHM

_ES256: Final = jwt.get_algorithm_by_name(ALGORITHM)
_OURS: Final = (ALGORITHM, "P-256")  # RFC 7518, section 3.4; PyJWT would hold any curve's key

EMPTY_REFRESH_SECONDS: Final = 0.5
UNKNOWN_KID_REFRESH_SECONDS: Final = 30.0
"""An unknown kid asks for a refresh at most this often, so that made-up kids cannot flood auth."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the only algorithm that it may be used with."""

    kid: str
    algorithm: str
    key: Any

    def verify(self, signed: bytes, signature: bytes) -> bool:
        """Tell whether the signature of these bytes is by this key, with its algorithm."""
        return _ES256.verify(signed, self.key, signature)


def fetch_jwks() -> dict[str, Any]:
    """Return auth's JWK set (RFC 7517) over the private entry point.

    Raises:
        Unavailable: auth does not answer, or not with JSON.
    """
    response = RestClient("auth", settings.AUTH_URL).get("/.well-known/jwks.json")
    if response.status_code != httpx.codes.OK:
        raise Unavailable(f"auth answered {response.status_code} for its keys")
    try:
        document: dict[str, Any] = response.json()
    except ValueError as error:
        raise Unavailable("auth answered no JSON for its keys") from error
    return document


def keys_of(jwks: Any) -> dict[str, VerificationKey]:
    """Return the usable keys of a JWK set by kid; what is not ours, or not a key, is left out."""
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    keys = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            if (entry["alg"], entry["crv"]) == _OURS and isinstance(entry["kid"], str):
                key = jwt.PyJWK(entry, ALGORITHM).key
                keys[entry["kid"]] = VerificationKey(entry["kid"], ALGORITHM, key)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError):
            log.warning("verification_key_left_out")
    return keys


class KeyRing:
    """The keys by kid. Reading never blocks, queries or calls; refreshing happens beside the requests."""

    def __init__(self) -> None:
        """Start empty."""
        self._keys: dict[str, VerificationKey] = {}
        self.number = 0
        """Grows when the set of keys changes, so that what was verified with another set is void."""
        self._wanted = threading.Event()
        self._asking = threading.Lock()
        self._next_ask_at = float("-inf")

    def __bool__(self) -> bool:
        """Tell whether any key is known."""
        return bool(self._keys)

    def find(self, kid: str) -> VerificationKey | None:
        """Return the key; None, and a refresh soon, where it is unknown."""
        key = self._keys.get(kid)
        if key is None:
            self._ask_for_refresh(time.monotonic())
        return key

    def _ask_for_refresh(self, now: float) -> None:
        with self._asking:
            if now < self._next_ask_at:
                return
            self._next_ask_at = now + UNKNOWN_KID_REFRESH_SECONDS
        self._wanted.set()

    def replace(self, jwks: dict[str, Any]) -> None:
        """Hold the keys of a JWK set instead of the present ones."""
        keys = keys_of(jwks)
        if keys != self._keys:
            self._keys = keys
            self.number += 1

    def load(self) -> None:
        """Take the keys kept in the service's database, if there are any."""
        row = VerificationKeys.objects.filter(pk=1).first()
        if row is not None:
            self.replace(row.jwks)

    def refresh(self) -> None:
        """Fetch the keys, hold them, and keep them in the database for the next start.

        Raises:
            Unavailable: they cannot be had now, or none is usable; the present ones stay.
        """
        source: Callable[[], dict[str, Any]] = import_string(settings.KEY_SOURCE)
        jwks = source()
        if not keys_of(jwks):
            raise Unavailable("auth has no usable key")
        self.replace(jwks)
        VerificationKeys.objects.update_or_create(
            pk=1, defaults={"jwks": jwks, "fetched_at": timezone.now()}
        )

    def wait_for_next_refresh(self) -> None:
        """Return when it is time to refresh: after an unknown kid, or KEY_REFRESH_SECONDS; sooner while empty."""
        self._wanted.wait(settings.KEY_REFRESH_SECONDS if self else EMPTY_REFRESH_SECONDS)
        self._wanted.clear()


keyring = KeyRing()
