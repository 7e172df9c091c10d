import threading
import time
from datetime import timedelta

import httpx
import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from chassis import context, crypto
from chassis.models import ServiceToken
from chassis.rest import Unavailable
from chassis.tokens import service
from chassis.tokens.service import ServiceTokenSource
from tests.chassis.processes import wait_until

pytestmark = pytest.mark.usefixtures("committing")


class Auth:
    """Stands in for the calls to auth: hands out token 1, 2, ... while it is up."""

    def __init__(self):
        self.calls = []
        self.answer = None

    def post(self, path, *, auth, idempotent):
        self.calls.append((path, auth))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        return httpx.Response(200, json={"access": f"token-{len(self.calls)}", "expires_in": 3600})


@pytest.fixture
def auth(monkeypatch):
    found = Auth()
    monkeypatch.setattr(service, "RestClient", lambda name, url: found)
    return found


@pytest.fixture
def clock(monkeypatch):
    """Return a function that moves the clock on."""
    now = [timezone.now()]
    monkeypatch.setattr("chassis.tokens.service.timezone.now", lambda: now[0])

    def advance(**by):
        now[0] += timedelta(**by)

    return advance


class TestGet:
    def test_asks_once_with_the_services_credentials(self, auth, clock, settings):
        source = ServiceTokenSource()
        assert [source.get(), source.get()] == ["token-1", "token-1"]
        ((path, credentials),) = auth.calls
        assert path == "/internal/v1/service-tokens"
        expected = httpx.BasicAuth("order", settings.CLIENT_SECRET)._auth_header
        assert credentials._auth_header == expected

    def test_asks_once_for_many_threads(self, auth, clock):
        from tests.chassis.racing import race

        source = ServiceTokenSource()
        assert race([source.get] * 8) == ["token-1"] * 8
        assert len(auth.calls) == 1

    def test_keeps_it_encrypted_for_a_restart_while_auth_is_down(self, auth, clock):
        ServiceTokenSource().get()
        kept = bytes(ServiceToken.objects.get().encrypted)
        assert b"token-1" not in kept
        assert crypto.fernet().decrypt(kept) == b"token-1"
        auth.answer = Unavailable("down")
        assert ServiceTokenSource().get() == "token-1"
        assert len(auth.calls) == 1

    def test_asks_anew_where_the_kept_one_cannot_be_read(self, auth, clock):
        ServiceTokenSource().get()
        ServiceToken.objects.update(encrypted=Fernet(Fernet.generate_key()).encrypt(b"old"))
        assert ServiceTokenSource().get() == "token-2"

    def test_renews_at_half_life_and_no_request_waits_for_it(self, auth, clock, monkeypatch):
        source = ServiceTokenSource()
        source.get()
        clock(minutes=29)
        source.get()
        assert len(auth.calls) == 1
        clock(minutes=2)
        answering = threading.Event()
        ask = auth.post

        def slow(*args, **kwargs):
            answering.wait(10)
            return ask(*args, **kwargs)

        monkeypatch.setattr(auth, "post", slow)
        begun = time.monotonic()
        assert source.get() == "token-1"
        assert time.monotonic() - begun < 5
        answering.set()
        wait_until(lambda: source.get() == "token-2")
        assert len(auth.calls) == 2
        assert crypto.fernet().decrypt(bytes(ServiceToken.objects.get().encrypted)) == b"token-2"

    def test_uses_the_old_one_to_its_end_while_auth_is_down(self, auth, clock):
        source = ServiceTokenSource()
        source.get()
        auth.answer = Unavailable("down")
        for _ in range(58):
            clock(minutes=1)
            assert source.get() == "token-1"
        clock(seconds=91)
        with pytest.raises(Unavailable, match="down"):
            source.get()

    def test_tries_to_renew_at_most_every_thirty_seconds(self, auth, clock):
        source = ServiceTokenSource()
        source.get()
        clock(minutes=31)
        auth.answer = Unavailable("down")
        for _ in range(20):
            source.get()
        wait_until(lambda: len(auth.calls) == 2)
        clock(seconds=29)
        source.get()
        clock(seconds=1)
        source.get()
        wait_until(lambda: len(auth.calls) == 3)

    def test_takes_the_renewed_one_of_another_process(self, auth, clock):
        first, second = ServiceTokenSource(), ServiceTokenSource()
        assert first.get() == second.get() == "token-1"
        clock(minutes=31)
        first.get()
        wait_until(lambda: first.get() == "token-2")
        second.get()
        wait_until(lambda: second.get() == "token-2")
        assert len(auth.calls) == 2

    def test_waits_for_another_thread_no_longer_than_its_caller(self, auth, clock):
        source = ServiceTokenSource()
        with (
            source._lock,  # as a thread that waits for auth holds it
            context.ending(time.monotonic() + 0.02),
            pytest.raises(Unavailable, match="auth gives no token"),
        ):
            source.get()
        assert source.get() == "token-1"

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(401, json={}),
            httpx.Response(200, content=b"no json"),
            httpx.Response(200, json={"access": 5, "expires_in": 1}),
            httpx.Response(200, json=[]),
        ],
    )
    def test_is_unavailable_when_auth_answers_no_token(self, auth, clock, answer):
        auth.answer = answer
        with pytest.raises(Unavailable):
            ServiceTokenSource().get()
        assert not ServiceToken.objects.exists()


class TestForget:
    def test_asks_anew_for_one_that_was_refused(self, auth, clock):
        source = ServiceTokenSource()
        source.get()
        source.forget()
        assert not ServiceToken.objects.exists()
        assert source.get() == "token-2"
