"""A real Traefik with the platform's configuration, before servers that tell what reached them."""

import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from local import gateway
from tests.engines import free_port

NAMES: Final = ("auth", "catalog", "order", "order-2")
HOST: Final = "127.0.0.1"


@dataclass
class Backend:
    """A server in a service's place: `seen` is what it was asked, the rest what it answers.

    Without a `body` it tells of the request.
    """

    name: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def reset(self) -> None:
        """Be well again, and have seen nothing."""
        self.status, self.headers, self.body = 200, {}, None
        self.seen.clear()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                health = self.path == "/health/ready"
                if not health:
                    backend.seen.append((self.command, self.path))
                answer = backend.body
                if answer is None or health:
                    answer = self.told(len(body))
                self.send_response(200 if health else backend.status)
                for name, value in backend.headers.items():
                    self.send_header(name, value)
                if backend.status != 304:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else answer)

            def told(self, length: int) -> bytes:
                headers = {k.lower(): v for k, v in self.headers.items()}
                told = {"backend": backend.name, "method": self.command, "path": self.path}
                return json.dumps({**told, "headers": headers, "bytes": length}).encode()

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
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body.startswith(b"{") else {}


def read(response: HTTPResponse) -> Answer:
    """Return an answer of http.client's."""
    headers = {k.lower(): v for k, v in response.headers.items()}
    return Answer(response.status, headers, response.read())


@dataclass(frozen=True)
class Gateway:
    """The running gateway and what stands behind it; `output` is all it writes."""

    public: int
    private: int
    metrics: int
    backends: dict[str, Backend]
    output: Path

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        port: int | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request whose path goes out as it stands here."""
        connection = HTTPConnection(HOST, port or self.public, timeout=30)
        given = dict(headers or {})
        try:
            own_host = "Host" in given
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host=own_host)
            for name, value in given.items():
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            return read(connection.getresponse())
        finally:
            connection.close()

    def send(self, text: str) -> Answer:
        """Send bytes that may be no proper request."""
        with socket.create_connection((HOST, self.public), timeout=30) as raw:
            raw.sendall(text.replace("\n", "\r\n").encode("latin-1"))
            response = HTTPResponse(raw)
            response.begin()
            return read(response)

    def seen(self) -> list[tuple[str, str, str]]:
        """Return (server, method, path) of all that reached a server."""
        return [(b.name, *request) for b in self.backends.values() for request in b.seen]

    def logged(self, path: str) -> dict[str, Any]:
        """Return the access log's last entry for a path."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for line in reversed(self.output.read_text().splitlines()):
                entry: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
                if entry.get("RequestPath") == path:
                    return entry
            time.sleep(0.02)
        raise AssertionError(f"no entry for {path} in {self.output}")


@contextlib.contextmanager
def started(folder: Path, *orders: str, **variables: str) -> Iterator[Gateway]:
    """Run a gateway; variables are added to those of the local run, or replace them.

    Order gets two servers, and those named by URL.
    """
    with contextlib.ExitStack() as stack:
        backends = {name: Backend(name) for name in NAMES}
        for backend in backends.values():
            stack.enter_context(_serving(backend))
        urls = {name: [backends[name].url] for name in ("auth", "catalog")}
        urls["order"] = [backends["order"].url, backends["order-2"].url, *orders]
        ports = (free_port(), free_port(), free_port())
        output = folder / "gateway.log"
        environment = {**gateway.variables(*ports, urls), **variables}
        with output.open("wb") as file:
            process = subprocess.Popen(
                [gateway.binary()], env=environment, stdout=file, stderr=file
            )
        stack.callback(process.wait, timeout=30)
        stack.callback(process.terminate)
        running = Gateway(*ports, backends, output)
        _wait(running)
        yield running


@contextlib.contextmanager
def _serving(backend: Backend) -> Iterator[None]:
    with ThreadingHTTPServer((HOST, 0), backend.handler()) as server:
        server.daemon_threads = True
        backend.url = f"http://{HOST}:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def _wait(running: Gateway) -> None:
    """Return when the routes are there: asked at the private entry point, which counts nothing."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            paths = [f"/{service}/wait" for service in ("auth", "catalog", "order")]
            if all(running.ask(path, port=running.private).status == 200 for path in paths):
                for backend in running.backends.values():
                    backend.reset()
                return
        time.sleep(0.05)
    raise AssertionError(running.output.read_text())
