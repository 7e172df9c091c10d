"""A real Traefik with the platform's configuration, before servers that tell what reached them."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import gateway
from tests.engines import free_port


@dataclass
class Backend:
    """A server in a service's place; `status` is what it answers, `seen` what it was asked."""

    name: str
    status: int = 200
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                health = self.path == "/health/ready"
                if not health:
                    backend.seen.append((self.command, self.path))
                answer = json.dumps(
                    {
                        "backend": backend.name,
                        "path": self.path,
                        "headers": {k.lower(): v for k, v in self.headers.items()},
                        "bytes": len(body),
                    }
                ).encode()
                self.send_response(200 if health else backend.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else answer)

            do_GET = do_HEAD = do_POST = answer  # noqa: N815 -- http.server looks for these names
            do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 -- as above

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
                pass

        return Handler


@dataclass(frozen=True)
class Answer:
    """What the gateway answered; `told` is what the server behind it saw."""

    status: int
    headers: dict[str, str]
    told: dict[str, Any]


@dataclass(frozen=True)
class Gateway:
    """The running gateway and what stands behind it."""

    public: int
    private: int
    backends: dict[str, Backend]

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        private: bool = False,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request whose path goes out as it stands here."""
        connection = HTTPConnection(
            "127.0.0.1", self.private if private else self.public, timeout=30
        )
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            body = response.read()
            told = json.loads(body) if body.startswith(b"{") else {}
            return Answer(
                response.status, {k.lower(): v for k, v in response.headers.items()}, told
            )
        finally:
            connection.close()

    def seen(self) -> list[tuple[str, str, str]]:
        """Return (server, method, path) of all that reached a server."""
        return [(b.name, *request) for b in self.backends.values() for request in b.seen]


@pytest.fixture(scope="module")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    backends = {name: Backend(name) for name in ("auth", "catalog", "order", "order-2")}
    servers = []
    for backend in backends.values():
        server = ThreadingHTTPServer(("127.0.0.1", 0), backend.handler())
        server.daemon_threads = True
        backend.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    urls = {name: [backends[name].url] for name in ("auth", "catalog")}
    urls["order"] = [backends["order"].url, backends["order-2"].url]
    public, private = free_port(), free_port()
    log = tmp_path_factory.mktemp("gateway") / "traefik.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [gateway.binary()],
            env=gateway.variables(public, private, urls),
            stdout=output,
            stderr=output,
        )
    running = Gateway(public, private, backends)
    try:
        _wait(running, log)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)
        for server in servers:
            server.shutdown()
            server.server_close()


def _wait(running: Gateway, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if all(
                running.ask(path).status == 200 for path in ("/api/v1/auth/me", "/api/v1/orders")
            ):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def souk(running_gateway: Gateway) -> Gateway:
    """Return the gateway with servers that are well and have seen nothing."""
    for backend in running_gateway.backends.values():
        backend.status = 200
        backend.seen.clear()
    return running_gateway
