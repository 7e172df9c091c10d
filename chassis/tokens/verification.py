"""What a token's text comes to: a verdict, remembered while it cannot change."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from chassis.tokens.access import AccessToken, AdminAccessToken, ServiceAccessToken
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring
from chassis.tokens.principal import Principal

REMEMBERED: Final = 8192
"""Verdicts of one kind that a process keeps, of about 1 KB each; the oldest, which ends first, goes."""


class InvalidToken(AuthenticationFailed):
    """The token is not valid; says so as RFC 6750 section 3.1 does, and not why."""

    default_detail = "The token is not valid"


class KeysUnknown(APIException):
    """Keys or deny list are not loaded yet: whether the token is valid cannot be said."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Tokens cannot be verified yet"
    wait = 1
    """Seconds until it is worth another try."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A valid token: whom it speaks for, its times (`iat` and `exp`), and by which set of keys."""

    principal: Principal
    issued_at: int
    ends_at: int
    key_set: int


class Verdicts:
    """The verdicts on tokens seen before, by the SHA-256 of their text. For several threads.

    One is given back while the keys are those that it was reached with, and until the token's exp:
    in the leeway after it, a token is verified anew each time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Start empty; the clock tells the seconds since 1970."""
        self._clock = clock
        self._kept: OrderedDict[bytes, Verdict] = OrderedDict()
        self._putting = threading.Lock()

    def get(self, digest: bytes) -> Verdict | None:
        """Return what is known of a token; None where it must be verified."""
        verdict = self._kept.get(digest)  # one step of the interpreter: needs no lock
        if verdict is None or verdict.key_set != keyring.number:
            return None
        return verdict if self._clock() < verdict.ends_at else None

    def put(self, digest: bytes, verdict: Verdict) -> None:
        """Remember a verdict."""
        with self._putting:
            self._kept[digest] = verdict
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)


class Verifier:
    """Verifies one kind of tokens, with no query and no call."""

    def __init__(self, token_class: type[Token]) -> None:
        """Verify as simplejwt's token class does."""
        self._token_class = token_class
        self._verdicts = Verdicts()

    def verify(self, token: str) -> Verdict:
        """Return the verdict on a valid token.

        The deny list is asked each time, also about a token that was seen before.

        Raises:
            InvalidToken: it is not valid, for whatever reason.
            KeysUnknown: the process has no keys or no deny list yet.
        """
        if not deny_list.loaded:
            raise KeysUnknown
        try:
            text = token.encode("ascii")
        except UnicodeEncodeError as error:
            raise InvalidToken from error
        digest = sha256(text).digest()
        verdict = self._verdicts.get(digest)
        if verdict is None:
            verdict = self._reach_verdict(text)
            self._verdicts.put(digest, verdict)
        user_id = verdict.principal.user_id
        if user_id is not None and deny_list.refuses(user_id, verdict.issued_at):
            raise InvalidToken
        return verdict

    def _reach_verdict(self, token: bytes) -> Verdict:
        if not keyring:
            raise KeysUnknown
        key_set = keyring.number  # before the key is looked up: a later set makes the verdict void
        try:
            verified: Any = self._token_class(token)  # type: ignore[arg-type] # simplejwt's is wrong
        except TokenError as error:
            raise InvalidToken from error
        principal = Principal(
            subject=str(verified["sub"]),
            role=verified["role"],
            scopes=frozenset(verified["scope"].split()),
            user_id=verified.get("user_id"),
        )
        return Verdict(principal, verified["iat"], verified["exp"], key_set)


users: Final = Verifier(AccessToken)
services: Final = Verifier(ServiceAccessToken)
admins: Final = Verifier(AdminAccessToken)


def verify_admin(token: str) -> Principal:
    """Return the staff member that a token for this service's admin pages speaks for.

    Raises:
        InvalidToken: it is not valid, for whatever reason.
        KeysUnknown: the process has no keys or no deny list yet.
    """
    return admins.verify(token).principal
