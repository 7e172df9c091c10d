"""The service's own token: asked from auth, renewed at half-life, kept encrypted in its database."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
import msgspec
import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from chassis import context
from chassis.crypto import fernet
from chassis.database import is_unavailable
from chassis.models import ServiceToken
from chassis.rest import RestClient, Unavailable

SPARE_SECONDS: Final = 30
"""A token that ends sooner is no longer used; a renewal that failed is tried again after as long."""

log = structlog.get_logger()


class Answer(msgspec.Struct, frozen=True):
    """What auth answers to a service's credentials."""

    access: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Held:
    """A token and its times."""

    token: str
    expires_at: datetime
    renew_at: datetime

    def is_usable(self, now: datetime) -> bool:
        """Tell whether it still lives long enough for a call."""
        return now < self.expires_at - timedelta(seconds=SPARE_SECONDS)


class ServiceTokenSource:
    """Hands out a valid token. While one is valid, no request waits for its renewal."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._held: Held | None = None
        self._next_try_at: datetime | None = None
        self._lock = threading.Lock()

    def get(self) -> str:
        """Return a valid token. Must not run inside a transaction.

        Raises:
            Unavailable: none is left and auth does not give one.
        """
        now = timezone.now()
        held = self._held
        if held is None or not held.is_usable(now):
            held = self._wait_for_first(now)
        elif now >= held.renew_at and self._may_try(now):
            threading.Thread(target=self._renew_beside, daemon=True, name="service-token").start()
        return held.token

    def forget(self) -> None:
        """Drop the token, for one that a service refused."""
        with self._lock:
            self._held = self._next_try_at = None
            ServiceToken.objects.filter(pk=1).delete()

    def _wait_for_first(self, now: datetime) -> Held:
        """Return a usable token; of several threads one asks auth, and none waits past its deadline."""
        left = context.current().remaining_seconds()
        if not self._lock.acquire(timeout=-1 if left is None else max(0.0, left)):
            raise Unavailable("auth gives no token")
        try:
            return self._first(now)
        finally:
            self._lock.release()

    def _first(self, now: datetime) -> Held:
        """Return a usable token: one that another thread or process got, or a new one."""
        held = self._held if self._held and self._held.is_usable(now) else _load(now)
        self._held = held or _ask(now)
        return self._held

    def _may_try(self, now: datetime) -> bool:
        """Tell whether this thread is the one to renew now; after a failure, not before some time."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._next_try_at is not None and now < self._next_try_at:
                return False
            self._next_try_at = now + timedelta(seconds=SPARE_SECONDS)
            return True
        finally:
            self._lock.release()

    def _renew_beside(self) -> None:
        """Renew in a thread of its own; the present token stays in use until that worked."""
        now = timezone.now()
        try:
            kept = _load(now)
            self._held = kept if kept and now < kept.renew_at else _ask(now)
        except Unavailable as error:
            log.warning("service_token_not_renewed", error=str(error))
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("service_token_not_renewed", error=str(error))
        finally:
            close_old_connections()


def _load(now: datetime) -> Held | None:
    """Return the token in the database, if it is usable."""
    row = ServiceToken.objects.filter(pk=1).first()
    if row is None:
        return None
    try:
        token = fernet().decrypt(bytes(row.encrypted)).decode()
    except InvalidToken:
        log.warning("service_token_not_readable")
        return None
    held = Held(token=token, expires_at=row.expires_at, renew_at=row.renew_at)
    return held if held.is_usable(now) else None


def _ask(now: datetime) -> Held:
    """Get a token from auth and keep it in the database."""
    response = RestClient("auth", settings.AUTH_URL).post(
        "/internal/v1/service-tokens",
        auth=httpx.BasicAuth(settings.SERVICE, settings.CLIENT_SECRET),
        idempotent=True,
    )
    if response.status_code != httpx.codes.OK:
        raise Unavailable(f"auth answered {response.status_code} to the service's credentials")
    try:
        answer = msgspec.json.decode(response.content, type=Answer)
    except msgspec.DecodeError as error:
        raise Unavailable("auth answered no service token") from error
    lifetime = timedelta(seconds=answer.expires_in)
    held = Held(token=answer.access, expires_at=now + lifetime, renew_at=now + lifetime / 2)
    ServiceToken.objects.update_or_create(
        pk=1,
        defaults={
            "encrypted": fernet().encrypt(held.token.encode()),
            "expires_at": held.expires_at,
            "renew_at": held.renew_at,
        },
    )
    return held


service_token = ServiceTokenSource()
