"""What runs beside the requests, and what a web process knows by it."""

import threading
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import OperationalError
from django.utils import timezone

from chassis import background
from chassis.ids import uuid7
from chassis.models import VerificationKeys
from chassis.rest import Unavailable
from chassis.tokens import deny
from chassis.tokens.deny import DenyList
from chassis.tokens.keys import KeyRing
from tests.chassis.processes import wait_until
from tests.conftest import SigningKey, claims


@pytest.fixture(autouse=True)
def _kept_connection(monkeypatch):
    """Leave the connection of a test's own thread alone: its transaction, or another test's."""
    monkeypatch.setattr(background, "close_old_connections", lambda: None)


@pytest.fixture
def signer():
    return SigningKey(kid="kept", private=ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def ring(monkeypatch):
    ring = KeyRing()
    monkeypatch.setattr(background, "keyring", ring)
    return ring


@pytest.fixture
def denied(monkeypatch):
    denied = DenyList()
    monkeypatch.setattr(background, "deny_list", denied)
    return denied


@pytest.fixture
def end_threads(monkeypatch):
    """Return a function that lets the threads of the background end, and waits until they have."""
    begun = set(threading.enumerate())
    hook = threading.excepthook
    monkeypatch.setattr(
        threading, "excepthook", lambda args: args.exc_type is SystemExit or hook(args)
    )
    over = threading.Event()

    def sleep(seconds):
        if over.wait(0.01):
            raise SystemExit

    monkeypatch.setattr("chassis.background.time.sleep", sleep)

    def end():
        over.set()
        for thread in set(threading.enumerate()) - begun:
            thread.join(30)
            assert not thread.is_alive()

    yield end
    end()


class TestStart:
    @pytest.mark.django_db
    def test_knows_kept_keys_and_deny_list_before_the_first_request(
        self, ring, denied, signer, monkeypatch
    ):
        user_id = uuid7()
        VerificationKeys.objects.create(jwks={"keys": [signer.jwk()]}, fetched_at=timezone.now())
        deny.deny(user_id, not_before=timezone.now())
        threads = []
        monkeypatch.setattr(threading.Thread, "start", lambda thread: threads.append(thread.name))
        background.start()
        assert ring.find("kept") is not None
        assert denied.refuses(user_id, 0)
        assert threads == ["keys", "deny-list"]

    def test_reloads_the_deny_list_while_a_call_for_the_keys_hangs(
        self, ring, denied, monkeypatch, end_threads
    ):
        answer = threading.Event()
        loads = []

        def hang():
            answer.wait(30)
            raise SystemExit

        monkeypatch.setattr(ring, "load", lambda: None)
        monkeypatch.setattr(ring, "refresh", hang)
        monkeypatch.setattr(denied, "load", lambda: loads.append(1))
        background.start()
        wait_until(lambda: len(loads) > 3)
        answer.set()
        end_threads()

    @pytest.mark.parametrize(
        "error", [OperationalError("down"), Unavailable("down"), KeyError("x")]
    )
    def test_keeps_the_last_list_and_tries_again_when_a_reload_fails(
        self, ring, denied, monkeypatch, end_threads, error
    ):
        user_id = uuid7()
        denied.replace({user_id: 100.0})
        failed = []

        def fail():
            failed.append(1)
            raise error

        def end():
            raise SystemExit

        monkeypatch.setattr(ring, "load", lambda: None)
        monkeypatch.setattr(ring, "refresh", end)
        monkeypatch.setattr(denied, "load", fail)
        background.start()
        wait_until(lambda: len(failed) > 3)
        end_threads()
        assert denied.refuses(user_id, 100)

    def test_is_in_more_haste_while_nothing_is_loaded(self, denied, monkeypatch):
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            if len(slept) == 3:
                raise SystemExit

        monkeypatch.setattr("chassis.background.time.sleep", sleep)
        monkeypatch.setattr(denied, "load", lambda: denied.replace({}))
        with pytest.raises(SystemExit):
            background._reload_deny_list()
        assert slept == [0.5, 2.0, 2.0]


@pytest.mark.timeout(180)
class TestWebProcess:
    def test_refuses_a_denied_user_within_five_seconds_with_auth_down(self, start, signer):
        user_id, other_id = uuid7(), uuid7()
        VerificationKeys.objects.create(jwks={"keys": [signer.jwk()]}, fetched_at=timezone.now())
        process = start("web")
        wait_until(lambda: _status(process, "/health/live") == 200)
        now = int(time.time())
        own, others = (
            signer.sign(claims(user_id=user, iat=now - 1)) for user in (user_id, other_id)
        )
        assert _status(process, "/api/v1/me", own) == 200
        deny.deny(user_id, not_before=timezone.now())
        wait_until(lambda: _status(process, "/api/v1/me", own) == 401, seconds=5)
        assert _status(process, "/api/v1/me", others) == 200
        later = signer.sign(claims(user_id=user_id, iat=int(time.time()) + 1))
        assert _status(process, "/api/v1/me", later) == 200


def _status(process, path, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return httpx.get(f"{process.url}{path}", headers=headers, trust_env=False).status_code
    except httpx.HTTPError:
        return None
