"""The signing key is rotated while the shop is open."""

import threading
from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.system.platform import ORDERS, PRODUCTS, Client, Platform, wait_until

LEAD_SECONDS = 3
PASSWORD = "correct horse battery staple"
JWKS = "/.well-known/jwks.json"


@pytest.fixture
def email(platform: Platform) -> str:
    """Return the address of a customer."""
    address = f"{uuid4().hex}@souk.example"
    body = {"email": address, "password": PASSWORD, "name": "Ada Lovelace"}
    answer = platform.client().post("/api/v1/auth/register", body)
    assert answer.status_code == 201, answer.text
    return address


def kid(token: str) -> str:
    found: str = jwt.get_unverified_header(token)["kid"]
    return found


class Load:
    """Reads from all three services, refreshes and logs in, all the time; keeps what failed."""

    def __init__(self, platform: Platform, email: str) -> None:
        """Sign in; start with the block."""
        self._platform = platform
        self._email = email
        self._ended = threading.Event()
        self.count = 0
        self.failures: list[str] = []
        self.kids: set[str] = set()
        self.first = platform.client().log_in(email, PASSWORD)
        acts = (self._read, self._read_by_first_token, self._refresh, self._log_in)
        self._threads = [threading.Thread(target=self._repeat, args=[act]) for act in acts]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[Client], httpx.Response | None]) -> None:
        client = self._platform.client().log_in(self._email, PASSWORD)
        while not self._ended.wait(0.02):
            try:
                act(client)
            except httpx.HTTPError as error:
                self.failures.append(f"{act.__name__}: {error!r}")

    def _check(self, answer: httpx.Response) -> dict[str, Any]:
        self.count += 1
        if not answer.is_success:
            self.failures.append(f"{answer.request.url} {answer.status_code} {answer.text[:200]}")
            return {}
        body: dict[str, Any] = answer.json()
        return body

    def _read(self, client: Client) -> None:
        for path in ("/api/v1/auth/me", PRODUCTS, ORDERS):
            self._check(client.get(path))

    def _read_by_first_token(self, client: Client) -> None:
        self._read(self.first)

    def _refresh(self, client: Client) -> None:
        body = {"refresh": client.grant["refresh"]}
        if grant := self._check(client.post("/api/v1/auth/token/refresh", body)):
            self._use(client, grant)

    def _log_in(self, client: Client) -> None:
        body = {"email": self._email, "password": PASSWORD}
        if grant := self._check(client.post("/api/v1/auth/token", body)):
            self._use(client, grant)
        self._ended.wait(1)  # an address may log in sixty times a minute

    def _use(self, client: Client, grant: dict[str, Any]) -> None:
        """Show a token that was issued this moment to every service."""
        client.grant = grant
        client.http.headers["Authorization"] = f"Bearer {grant['access']}"
        self.kids.add(kid(grant["access"]))
        self._read(client)


class TestRotation:
    def test_loses_no_request(self, platform: Platform, email: str) -> None:
        anyone = platform.client()
        (old,) = (key["kid"] for key in anyone.get(JWKS).json()["keys"])
        with Load(platform, email) as load:
            wait_until(lambda: load.count > 20, seconds=40, what="requests before the rotation")
            rotated = platform.run("auth", "rotate_signing_key", "--lead", str(LEAD_SECONDS))
            assert rotated.returncode == 0, rotated.stderr
            new = rotated.stdout.split()[0]
            wait_until(lambda: new in load.kids, seconds=40, what="tokens of the new key")
            after = load.count
            wait_until(lambda: load.count > after + 100, seconds=40, what="requests after that")
        assert load.failures == []
        assert load.kids == {old, new}
        assert kid(load.first.grant["access"]) == old
        assert [key["kid"] for key in anyone.get(JWKS).json()["keys"]] == [new, old]
        for path in ("/api/v1/auth/me", PRODUCTS, ORDERS):
            assert load.first.get(path).status_code == 200


class TestEmergency:
    def test_shuts_the_old_key_out_and_logs_nobody_out(
        self, platform: Platform, email: str
    ) -> None:
        customer = platform.client().log_in(email, PASSWORD)
        assert customer.get(ORDERS).status_code == 200
        replaced = platform.run("auth", "rotate_signing_key", "--emergency")
        assert replaced.returncode == 0, replaced.stderr
        for path in ("/api/v1/auth/me", ORDERS):
            wait_until(
                lambda path=path: customer.get(path).status_code == 401,  # type: ignore[misc]
                seconds=30,
                what=f"the old token refused at {path}",
            )
        grant = customer.post(
            "/api/v1/auth/token/refresh", {"refresh": customer.grant["refresh"]}
        ).json()
        assert kid(grant["access"]) == replaced.stdout.split()[0]
        renewed = platform.client(grant["access"])
        for path in ("/api/v1/auth/me", PRODUCTS, ORDERS):
            wait_until(
                lambda path=path: renewed.get(path).status_code == 200,  # type: ignore[misc]
                seconds=30,
                what=f"the new token accepted at {path}",
            )
