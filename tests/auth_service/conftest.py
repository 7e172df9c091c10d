"""What the tests of the auth service share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.auth_service.models import User
from chassis.tokens.keys import keyring
from tests.auth_service.factories import PASSWORD


@pytest.fixture(autouse=True)
def _no_throttle_history() -> Iterator[None]:
    """Forget what earlier tests asked for."""
    cache.clear()
    yield
    keyring.replace({"keys": []})


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
