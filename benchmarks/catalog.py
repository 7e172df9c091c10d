"""The reads of the catalog: a page of products and one product, by four servers."""

import contextlib
import http.client
import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from benchmarks.candidates import statements
from benchmarks.database import Database
from benchmarks.load import CONNECTIONS, UnexpectedAnswerError, encode_request
from benchmarks.measure import Candidate, HttpCandidate, Meter
from benchmarks.processes import running, wait_until_ready
from tests.engines import free_port

_OURS: Final = "ours"
_PATH: Final = statements.PATH
_SLUGS_ASKED: Final = 500

# As chassis sets them for ours: one process, eight threads, connections kept above a gateway's.
_GUNICORN: Final = (
    *("-m", "gunicorn", "--worker-class", "gthread", "--workers", "1"),
    *("--threads", str(CONNECTIONS), "--keep-alive", "75", "--no-control-socket"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A started server."""

    name: str
    url: str
    pid: int


@contextlib.contextmanager
def servers(database: Database, progress: Callable[[str], None]) -> Iterator[list[Server]]:
    """Run the four servers on one database, ours first, the limit second."""
    with contextlib.ExitStack() as stack:
        started = []
        for name, (command, variables) in _commands().items():
            progress(f"starting {name}")
            address = f"127.0.0.1:{free_port()}"
            filled = [
                word.format(address=address, port=address.rpartition(":")[2]) for word in command
            ]
            own = {**database.variables, **variables, "BIND": address}
            log = name.replace(" ", "-")
            pid = stack.enter_context(running(log, filled, own, database.folder))
            started.append(Server(name, f"http://{address}", pid))
        for server in started:
            path = "/health/ready" if server.name == _OURS else _PATH
            wait_until_ready(server.name.replace(" ", "-"), server.url + path, database.folder)
        yield started


def _commands() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    package = statements.__name__.rpartition(".")[0]
    bind = ("--bind", "{address}")
    drf = {"DJANGO_SETTINGS_MODULE": f"{package}.drf_settings"}
    return {
        _OURS: (("manage.py", "catalog", "web"), {"WEB_THREADS": str(CONNECTIONS)}),
        "bare WSGI": ((*_GUNICORN, *bind, f"{package}.bare_wsgi:application"), {}),
        "stock DRF": ((*_GUNICORN, *bind, "django.core.wsgi:get_wsgi_application()"), drf),
        "FastAPI": (
            (
                *("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"),
                f"{package}.fastapi_app:app",
            ),
            {},
        ),
    }


def scenarios(
    database: Database, found: list[Server]
) -> Iterator[tuple[str, str, list[Candidate]]]:
    """Yield key, title and candidates of each scenario, once all of them answered the same.

    Raises:
        UnexpectedAnswerError: one answered other rows or fields than ours.
    """
    slugs = _some_slugs(database.url)
    paths = {
        "list": ("products, a page of 20", [_PATH]),
        "detail": ("one product", [f"{_PATH}/{slug}" for slug in slugs]),
    }
    for key, (title, asked) in paths.items():
        for server in found[1:]:
            _compare(found[0], server, asked[0])
        requests = [encode_request("GET", path) for path in asked]
        yield key, title, [_candidate(server, database, requests) for server in found]


def _candidate(server: Server, database: Database, requests: list[bytes]) -> Candidate:
    return HttpCandidate(
        name=server.name,
        url=server.url,
        requests=lambda: itertools.cycle(requests),
        meter=Meter([server.pid], [database.pid]),
    )


def _some_slugs(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        slugs = [slug for (slug,) in connection.execute("SELECT slug FROM product ORDER BY id")]
    return random.Random(0).sample(slugs, _SLUGS_ASKED)


def _compare(ours: Server, other: Server, path: str) -> None:
    """Refuse answers that differ in the rows, their order, a field or a value."""
    expected, got = (_rows(_get(server, path)) for server in (ours, other))
    if len(expected) != len(got):
        raise UnexpectedAnswerError(
            f"{other.name} answers {len(got)} rows at {path}, ours {len(expected)}"
        )
    for left, right in zip(expected, got, strict=True):
        if left != right:
            raise UnexpectedAnswerError(f"at {path} ours is\n{left}\nand {other.name} is\n{right}")


def _rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer.get("results", [answer])
    return rows


def _get(server: Server, path: str) -> dict[str, Any]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", path)
    with contextlib.closing(connection), connection.getresponse() as response:
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise UnexpectedAnswerError(
                f"{server.name} answers {response.status} at {path}: {body!r}"
            )
    answer: dict[str, Any] = json.loads(body)
    return answer
