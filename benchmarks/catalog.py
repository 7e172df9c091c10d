"""The reads of the catalog, by four servers: pages of products and single ones, new, asked for again and unchanged."""

import contextlib
import http.client
import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
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
_PAGES_ASKED: Final = 200
_SLUGS_ASKED: Final = 500
_DRAWN: Final = 20_000
_COMPARED: Final = 20

# As chassis sets them for ours: one process, eight threads, connections kept above a gateway's.
_GUNICORN: Final = (
    *("-m", "gunicorn", "--worker-class", "gthread", "--workers", "1"),
    *("--threads", str(CONNECTIONS), "--keep-alive", "75", "--no-control-socket"),
)


# How many times the requests of another one ours must answer in the same processor time.
_COLD_GOALS: Final = {"bare WSGI": 0.4, "stock DRF": 2.5}
_ZIPF_GOALS: Final = {"bare WSGI": 0.9, "stock DRF": 8}
_UNCHANGED_GOALS: Final = {"bare WSGI": 1}


@dataclass(frozen=True, slots=True)
class Server:
    """A started server."""

    name: str
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is measured: ours first, the limit second, and by name what is wanted of ours beside them."""

    key: str
    title: str
    candidates: list[Candidate]
    goals: Mapping[str, float]


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


def scenarios(database: Database, found: list[Server], seed: int) -> Iterator[Scenario]:
    """Yield each scenario, once all servers answered the same.

    Args:
        database: of all of them.
        found: ours first, the limit second.
        seed: of the paths at which their answers are compared, beside the first and the last.

    Raises:
        UnexpectedAnswerError: one answered other rows or fields than ours.
    """
    slugs = [f"{_PATH}/{slug}" for slug in _some_slugs(database.url)]
    asked = {
        "list": ("a page of 20", {server: _walk(server) for server in found}),
        "detail": ("one product", dict.fromkeys(found, slugs)),
    }
    for key, (title, paths) in asked.items():
        _compare_some(found, paths, seed)

        def candidates(
            requests: Callable[[Server, list[str]], Iterator[bytes]],
            paths: Mapping[Server, list[str]] = paths,
        ) -> list[Candidate]:
            return [_candidate(database, one, requests(one, paths[one])) for one in found]

        yield Scenario(
            key,
            f"{title}, never asked before",
            candidates(lambda _, urls: _never_asked(urls)),
            _COLD_GOALS,
        )
        yield Scenario(
            key,
            f"{title}, by Zipf's law",
            candidates(lambda _, urls: _zipf(urls)),
            _ZIPF_GOALS,
        )
        ours, limit = found[:2]
        etags = _validators(ours, paths[ours])
        yield Scenario(
            key,
            f"{title}, unchanged (304; the others 200)",
            [
                _candidate(database, ours, _zipf(paths[ours], etags), status=304),
                _candidate(database, limit, _zipf(paths[limit], etags)),
                _candidate(database, found[2], _zipf(paths[found[2]], etags)),
            ],
            _UNCHANGED_GOALS,
        )


def _candidate(
    database: Database, server: Server, requests: Iterator[bytes], status: int = 200
) -> Candidate:
    return HttpCandidate(
        name=server.name,
        url=server.url,
        requests=lambda: requests,
        meter=Meter([server.pid], [database.pid]),
        status=status,
    )


def _never_asked(paths: Sequence[str]) -> Iterator[bytes]:
    """Ask for each in turn, each time by another URL: a parameter that means nothing tells them apart."""
    for number, path in enumerate(itertools.cycle(paths)):
        yield encode_request("GET", f"{path}{'&' if '?' in path else '?'}new={number}")


def _zipf(paths: Sequence[str], etags: Sequence[str] = ()) -> Iterator[bytes]:
    """Ask for the first most often, for the n-th an n-th as often; with their validators, if given."""
    requests = [
        encode_request("GET", path, If_None_Match=etag)
        for path, etag in zip(paths, etags or ['"none"'] * len(paths), strict=True)
    ]
    weights = [1 / rank for rank in range(1, len(paths) + 1)]
    return itertools.cycle(random.Random(0).choices(requests, weights, k=_DRAWN))


def _walk(server: Server) -> list[str]:
    """Return the paths of the first pages, by the links of each to the next."""
    paths = [_PATH]
    while len(paths) < _PAGES_ASKED:
        parts = urlsplit(_get(server, paths[-1])["next"])
        paths.append(f"{parts.path}?{parts.query}")
    return paths


def _validators(server: Server, paths: Sequence[str]) -> list[str]:
    return [_fetch(server, path)[1] for path in paths]


def _some_slugs(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        slugs = [slug for (slug,) in connection.execute("SELECT slug FROM product ORDER BY id")]
    return random.Random(0).sample(slugs, _SLUGS_ASKED)


def _compare_some(
    found: Sequence[Server], paths: Mapping[Server, Sequence[str]], seed: int
) -> None:
    """Compare what the servers answer at the first path, the last, and some between them."""
    ours, *others = found
    last = len(paths[ours]) - 1
    places = {0, last, *random.Random(seed).sample(range(last), _COMPARED)}
    for server, place in itertools.product(others, sorted(places)):
        _compare(ours, paths[ours][place], server, paths[server][place])


def _compare(ours: Server, path: str, other: Server, its_path: str) -> None:
    """Refuse answers that differ in the rows, their order, a field or a value."""
    expected, got = _rows(_get(ours, path)), _rows(_get(other, its_path))
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
    answer: dict[str, Any] = json.loads(_fetch(server, path)[0])
    return answer


def _fetch(server: Server, path: str) -> tuple[bytes, str]:
    """Return the body and the ETag."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", path)
    with contextlib.closing(connection), connection.getresponse() as response:
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise UnexpectedAnswerError(
                f"{server.name} answers {response.status} at {path}: {body!r}"
            )
        return body, response.getheader("ETag", "")
