"""Keys that a token names, or brings along: none is fetched from where it says."""

import contextlib
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.attacks.forge import FOREIGN, Changes, Forge, jwk_of, signed_by
from tests.attacks.targets import Target, assert_refused
from tests.system.platform import Platform

KIDS = 1_000
KIDS_A_CONNECTION = 250
# Both verify with keys that they fetch from auth, which has its own.
FETCHING = 2
FOREIGN_KID = "foreign"


class KeyServer:
    """An attacker's server, which gives out his key and keeps who asked for it."""

    def __init__(self) -> None:
        """Listen."""
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                body = json.dumps({"keys": [jwk_of(FOREIGN, kid=FOREIGN_KID)]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
                pass

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture(scope="module")
def key_server() -> Iterator[KeyServer]:
    """Return the server of an attacker; at the end of all attacks nobody has ever asked it."""
    made = KeyServer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
        assert httpx.get(f"{made.url}/own", trust_env=False).status_code == 200
        assert made.asked == ["/own"]
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


def brought_along(url: str) -> dict[str, Changes]:
    jwks, jwk = f"{url}/jwks.json", jwk_of(FOREIGN, kid=FOREIGN_KID)
    return {
        "jku": {"jku": jwks},
        "x5u": {"x5u": f"{url}/chain.pem"},
        "jwk": {"jwk": jwk},
        "x5c": {"x5c": ["MIIB"]},
        "jwks": {"jwks": {"keys": [jwk]}},
        "all": {"jku": jwks, "x5u": jwks, "jwk": jwk, "x5c": ["MIIB"], "crit": ["jku"]},
    }


class TestKeyOfTheToken:
    @pytest.mark.parametrize("name", brought_along(""))
    def test_is_not_taken(
        self, forge: Forge, target: Target, key_server: KeyServer, name: str
    ) -> None:
        header = brought_along(key_server.url)[name]
        for kid in (forge.kid, FOREIGN_KID, f"{key_server.url}/jwks.json"):
            token = forge.token(header={**header, "kid": kid}, sign=signed_by(FOREIGN))
            assert_refused(target.show(token))

    def test_is_not_looked_for_at_the_tokens_issuer(
        self, forge: Forge, target: Target, key_server: KeyServer
    ) -> None:
        for kid in (forge.kid, FOREIGN_KID):
            token = forge.token(
                header={"kid": kid}, claims={"iss": key_server.url}, sign=signed_by(FOREIGN)
            )
            assert_refused(target.show(token))


class TestUnknownKid:
    def test_is_refused_a_thousand_times_and_hardly_asked_for(
        self, platform: Platform, forge: Forge, targets: dict[str, Target]
    ) -> None:
        kids = [secrets.token_urlsafe(32) for _ in range(KIDS)]
        tokens = [forge.token(header={"kid": kid}) for kid in kids]
        before, started = key_requests(platform), time.monotonic()
        assert before >= FETCHING, "each asked at its start"
        with ThreadPoolExecutor(len(targets)) as pool:
            answers = list(pool.map(lambda one: show_all(one, tokens), targets.values()))
        seconds = time.monotonic() - started
        refused = (401, 'Bearer error="invalid_token"')
        assert answers == [{refused: KIDS}] * len(targets)
        # For an unknown kid once in 30 s and process, and anyway once a minute.
        allowed = FETCHING * (int(seconds / 30) + 1 + int(seconds / 60) + 1)
        assert key_requests(platform) - before <= allowed
        for target in targets.values():
            assert target.show(forge.token()).status_code == 200


def show_all(target: Target, tokens: list[str]) -> dict[tuple[int, str | None], int]:
    """Show the tokens over few connections; return how many answers of each kind came."""
    found: dict[tuple[int, str | None], int] = {}
    url = target.http.base_url
    for first in range(0, len(tokens), KIDS_A_CONNECTION):
        with contextlib.closing(HTTPConnection(url.host, url.port, timeout=30)) as connection:
            for token in tokens[first : first + KIDS_A_CONNECTION]:
                headers = {"Authorization": f"Bearer {token}"}
                connection.request("GET", target.path, headers=headers)
                answer = connection.getresponse()
                answer.read()
                kind = answer.status, answer.headers["WWW-Authenticate"]
                found[kind] = found.get(kind, 0) + 1
    return found


def key_requests(platform: Platform) -> int:
    """Return how often auth was asked for its keys since the platform's start."""
    log = (platform.home / "logs" / f"{platform.process('auth', 'web').name}.log").read_text()
    return len(re.findall(r"request .*path=/\.well-known/jwks\.json", log))
