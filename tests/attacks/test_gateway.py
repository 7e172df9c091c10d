"""Past the gateway: to what only services ask each other, and to more tries than an address has."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from local import gateway
from local.home import SERVICES
from tests.attacks.accounts import Account
from tests.engines import free_port
from tests.system.platform import Platform, wait_until

EVENTS = "internal/v1/events?after=0"
LOG_IN = "/api/v1/auth/token"


def ask(platform: Platform, target: str, token: str) -> tuple[int, bytes]:
    """Read a path that goes out as it stands here, as a service."""
    connection = HTTPConnection("127.0.0.1", platform.port, timeout=30)
    try:
        connection.putrequest("GET", target)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class TestInternalPaths:
    def test_are_open_at_the_private_entry_point(
        self, private: httpx.Client, service_token: str
    ) -> None:
        headers = {"Authorization": f"Bearer {service_token}"}
        assert private.get(f"/catalog/{EVENTS}", headers=headers).status_code == 200

    @pytest.mark.parametrize(
        "target",
        [
            f"/{EVENTS}",
            f"//{EVENTS}",
            f"/catalog/{EVENTS}",
            f"/api/../{EVENTS}",
            f"/api/v1/catalog/../../../{EVENTS}",
            f"/api/v1/catalog/%2e%2e/%2e%2e/%2e%2e/{EVENTS}",
            f"/api/v1/catalog/%252e%252e/%252e%252e/%252e%252e/{EVENTS}",
            f"/api/v1/catalog/..%2f..%2f..%2f{EVENTS}",
            f"/api/v1/catalog/..;/..;/..;/{EVENTS}",
            f"/api/v1/catalog/..\\..\\..\\{EVENTS}",
            f"/static/catalog/../../{EVENTS}",
            f"/media/catalog/../../{EVENTS}",
            f"/%69{EVENTS[1:]}",
            f"http://catalog:8001/{EVENTS}",
            f"http://127.0.0.1/catalog/{EVENTS}",
        ],
    )
    def test_are_shut_to_a_stolen_service_token_however_they_are_written(
        self, platform: Platform, service_token: str, target: str
    ) -> None:
        status, body = ask(platform, target, service_token)
        assert status in {400, 404}, body
        assert b'"results"' not in body


@pytest.fixture(scope="module")
def door(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a second gateway before the platform, with the limits of everyday."""
    ports = (free_port(), free_port(), free_port())
    servers = {name: [str(platform.row(name, "web")["url"])] for name in SERVICES}
    log: Path = tmp_path_factory.mktemp("door") / "gateway.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [gateway.binary()], env=gateway.variables(*ports, servers), stdout=file, stderr=file
        ) as process,
    ):
        url = f"http://127.0.0.1:{ports[0]}"

        def is_open() -> bool:
            try:
                return httpx.get(f"{url}/.well-known/jwks.json", trust_env=False).is_success
            except httpx.TransportError:
                return False

        try:
            wait_until(is_open, seconds=60, what="the gateway's routes")
            yield url
        finally:
            process.terminate()


class TestPasswordsOfManyAccounts:
    def test_are_tried_from_one_address_a_few_times_a_second_at_most(
        self, door: str, customer: Account
    ) -> None:
        def stranger() -> httpx.Client:
            # From an address of its own: auth counts too, and shuts it out of log-ins for a while.
            transport = httpx.HTTPTransport(local_address="127.0.0.77")
            return httpx.Client(base_url=door, timeout=60, transport=transport)

        def guess(_: int) -> int:
            body = {"email": f"{uuid4().hex}@souk.example", "password": "Summer2026!"}
            with stranger() as http:
                answer = http.post(LOG_IN, json=body)
            assert "Retry-After" in answer.headers or answer.status_code == 401
            return answer.status_code

        with ThreadPoolExecutor(16) as pool:
            found = Counter(pool.map(guess, range(300)))
        assert found[401] < 150, found
        assert found[401] + found[429] == 300
        # Whoever is logged in already goes on at the same address.
        headers = {"Authorization": f"Bearer {customer.token}"}
        with stranger() as http:
            assert http.get("/api/v1/auth/me", headers=headers).status_code == 200
