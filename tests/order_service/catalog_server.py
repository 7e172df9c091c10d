"""A small HTTP server on loopback that plays catalog's and auth's part of the contract.

Behind it stands a FakeCatalog; `answer_next` puts other answers in front of it.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import msgspec

from apps.order_service.clients.catalog import ReservationClosed, SkusUnknown, StockShort
from apps.order_service.clients.fake import FakeCatalog
from apps.order_service.domain.lines import RequestedLine
from chassis.rest import Unavailable

TOKENS = "/auth/internal/v1/service-tokens"
RESERVATIONS = "/catalog/internal/v1/reservations/"
LOOKUP = "/catalog/internal/v1/products/lookup"

Reply = tuple[int, Any]


class CatalogServer(ThreadingHTTPServer):
    """Knows one service token at a time: the last one it gave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.catalog = FakeCatalog()
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.tokens_given = 0
        self.token_is_good = True
        self.gates: deque[Callable[[], bool]] = deque()
        self._next: deque[Callable[[], Reply | bytes]] = deque()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer_next(self, *answers: Reply | bytes, after_seconds: float = 0) -> None:
        """Give these answers first, each once; bytes are sent as a 200 as they are."""
        for answer in answers:

            def reply(answer: Reply | bytes = answer) -> Reply | bytes:
                time.sleep(after_seconds)
                return answer

            self._next.append(reply)

    def send_next_if(self, *gates: Callable[[], bool]) -> None:
        """Do what is asked next, each time, and send the answer where the gate then says so.

        Else the connection breaks.
        """
        self.gates.extend(gates)

    def answer_as_usual(self) -> None:
        """Forget the answers that were to come first."""
        self._next.clear()

    def revoke_token(self) -> None:
        """Refuse the token given last; the next one is good."""
        self.token_is_good = False

    def reply(self, method: str, path: str, headers: dict[str, str], body: Any) -> Reply | bytes:
        if path == TOKENS:
            self.tokens_given += 1
            self.token_is_good = True
            return 200, {"access": f"token-{self.tokens_given}", "expires_in": 3600}
        self.requests.append((method, path, headers, body))
        if self._next:
            return self._next.popleft()()
        good = f"Bearer token-{self.tokens_given}" if self.token_is_good else None
        if headers.get("Authorization") != good:
            return problem(401, "token-invalid")
        try:
            if path == LOOKUP:
                return self._look_up(body)
            order_id = UUID(path.removeprefix(RESERVATIONS))
            return self._reserve_or_release(method, order_id, body)
        except Unavailable:
            return problem(503, "unavailable")

    def _look_up(self, body: Any) -> Reply:
        wanted = [RequestedLine(position=i, **line) for i, line in enumerate(body["lines"])]
        return 200, {"products": [asdict(product) for product in self.catalog.look_up(wanted)]}

    def _reserve_or_release(self, method: str, order_id: UUID, body: Any) -> Reply:
        if method == "DELETE":
            self.catalog.release(order_id)
            return 204, None
        wanted = [RequestedLine(position=i, **line) for i, line in enumerate(body["lines"])]
        positions = {line.sku: line.position for line in wanted}
        known = order_id in self.catalog.reservations
        try:
            reservation = self.catalog.reserve(order_id, wanted)
        except StockShort as error:
            return problem(
                409,
                "out-of-stock",
                errors=[entry(positions[line.sku], "quantity") for line in error.lines],
                lines=[asdict(line) for line in error.lines],
            )
        except SkusUnknown as error:
            errors = [entry(positions[sku], "sku") for sku in error.skus]
            return problem(422, "unknown-sku", errors=errors)
        except ReservationClosed:
            return problem(409, "reservation-closed")
        return (200 if known else 201), asdict(reservation)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CatalogServer

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length)
        body = msgspec.json.decode(text) if text else None
        answer = self.server.reply(self.command, self.path, dict(self.headers.items()), body)
        if self.path != TOKENS and self.server.gates and not self.server.gates.popleft()():
            self.close_connection = True
            return
        status, content = (200, answer) if isinstance(answer, bytes) else answer
        payload = content if isinstance(content, bytes) else msgspec.json.encode(content)
        payload = b"" if content is None else payload
        with contextlib.suppress(ConnectionError):  # the client may have given up
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def problem(status: int, code: str, **members: Any) -> Reply:
    return status, {"status": status, "code": code, **members}


def entry(position: int, field: str) -> dict[str, str]:
    return {"pointer": f"#/lines/{position}/{field}", "detail": "", "code": "invalid"}


@contextlib.contextmanager
def serving() -> Iterator[CatalogServer]:
    """Run a server in a thread until the block ends."""
    with CatalogServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
