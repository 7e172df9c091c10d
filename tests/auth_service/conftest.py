"""What the tests of the auth service share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from django.core.cache import cache

from apps.auth_service.domain import attempts as rules
from apps.auth_service.models import User
from chassis.events import declarations, inbox, outbox
from chassis.models import InboxEvent, OutboxEvent
from chassis.tokens.keys import keyring
from tests.auth_service.factories import PASSWORD


@pytest.fixture(autouse=True)
def _no_throttle_history() -> Iterator[None]:
    """Forget what earlier tests asked for."""
    cache.clear()
    yield
    keyring.replace({"keys": []})


@pytest.fixture
def _long_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first delay last, which a busy machine would see the end of."""
    monkeypatch.setattr(rules, "PAIR", replace(rules.PAIR, first_delay_seconds=60))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with each password that is hashed."""
    from argon2 import low_level

    found: list[int] = []
    # The two functions that Django's hasher calls, at the library's own entry.
    for name in ("hash_secret", "verify_secret"):
        original = getattr(low_level, name)

        def counted(*args: Any, _original: Any = original, **options: Any) -> Any:
            found.append(1)
            return _original(*args, **options)

        monkeypatch.setattr(f"argon2.low_level.{name}", counted)
        monkeypatch.setattr(f"argon2._password_hasher.{name}", counted)
    return found


@pytest.fixture
def work() -> Callable[[], list[str]]:
    """Return a function that handles what auth published for itself, as its worker does.

    It returns what was done about each event.
    """

    def go() -> list[str]:
        names = [n for n, e in declarations.published().items() if e.consumers == ("auth",)]
        for row in OutboxEvent.objects.filter(type__in=names).order_by("id"):
            inbox.receive(msgspec.to_builtins(outbox.envelope_of(row)))
        return list(InboxEvent.objects.order_by("received_at").values_list("effect", flat=True))

    return go


@pytest.fixture
def log_in(api: Any) -> Callable[[User], dict[str, Any]]:
    """Return a function that logs a user of `make_user` in and returns the answer's body."""

    def go(user: User) -> dict[str, Any]:
        answer = api.post("/api/v1/auth/token", {"email": user.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        return body

    return go


@pytest.fixture
def refresh(api: Any) -> Callable[[str], Any]:
    """Return a function that shows a refresh token and returns the answer."""
    return lambda token: api.post("/api/v1/auth/token/refresh", {"refresh": token})
