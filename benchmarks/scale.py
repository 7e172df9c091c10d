"""A shop of a million products: pages far down the list, and searches, beside the list's first page."""

import contextlib
import http.client
import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg

from benchmarks import database
from benchmarks.load import UnexpectedAnswerError
from benchmarks.processes import run_once, running, wait_until_ready
from benchmarks.table import verdict
from tests.engines import free_port

PRODUCTS: Final = 1_000_000
QUICK_PRODUCTS: Final = 100_000

_PATH: Final = "/api/v1/catalog/products"
_FAR: Final = 10_000
_LIMIT: Final = 20
_MOST: Final = 100
_FILTERED: Final = 0.25
# A shop of this size is given memory for what is asked for often; the engines of the tests have 64 MB.
_MEMORY: Final = "1GB"
_WARM_UP: Final = 50
_PERCENT: Final = 95
_MOST_FAR: Final = 1.5
_MOST_SLOW: Final = 3

_NAMES: Final = "SELECT name FROM product TABLESAMPLE bernoulli (%s) REPEATABLE (1) ORDER BY sku"
_SAMPLED: Final = 5_000


@dataclass(slots=True)
class Times:
    """Seconds of requests of one kind."""

    seconds: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """Return the median."""
        return median(self.seconds)

    @property
    def slow(self) -> float:
        """Return what 95 of 100 requests stay under."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * _PERCENT // 100)]


@dataclass(frozen=True, slots=True)
class Scale:
    """What was measured: a page of the list near and far, and searches by kinds."""

    products: int
    seeded_seconds: float
    near: Times
    far: Times
    searches: dict[str, Times]

    @property
    def search(self) -> Times:
        """Return all searches together."""
        return Times([second for times in self.searches.values() for second in times.seconds])


def measure(products: int, requests: int, progress: Callable[[str], None]) -> Scale:
    """Seed a shop and ask it: one request after the other, page, far page and search by turns.

    Raises:
        UnexpectedAnswerError: an answer was no page.
    """
    progress("starting PostgreSQL, migrating")
    with database.migrated("catalog", shared_buffers=_MEMORY) as found:
        with psycopg.connect(found.url, autocommit=True) as connection:
            database.keep_a_key(connection)
        progress(f"adding {products:,} products")
        started = time.monotonic()
        run_once(["manage.py", "catalog", "seed", "--products", str(products)], found.variables)
        seeded = time.monotonic() - started
        with _server(found) as client:
            progress("walking to the far page")
            far = client.far_page(min(_FAR, products // _LIMIT))
            near, distant, searches = Times(), Times(), defaultdict[str, Times](Times)
            asked = _searches(_some_names(found.url, products), random.Random(0))
            for number in range(-_WARM_UP, requests):
                progress(f"request {number} of {requests}")
                kind, query = next(asked)
                taken = client.time({}), client.time(far), client.time(query)
                if number >= 0:
                    for times, second in zip((near, distant, searches[kind]), taken, strict=True):
                        times.seconds.append(second)
    return Scale(products, seeded, near, distant, dict(searches))


@contextlib.contextmanager
def _server(found: database.Database) -> Iterator["_Client"]:
    address = f"127.0.0.1:{free_port()}"
    variables = {**found.variables, "BIND": address}
    with running("ours", ["manage.py", "catalog", "web"], variables, found.folder):
        wait_until_ready("ours", f"http://{address}/health/ready", found.folder)
        with contextlib.closing(http.client.HTTPConnection(address, timeout=60)) as connection:
            yield _Client(connection)


class _Client:
    """Asks for pages. A parameter that means nothing makes each URL a new one: no answer is kept for it."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count()

    def time(self, query: dict[str, str]) -> float:
        """Return how long a page takes."""
        path = f"{_PATH}?{urlencode({**query, 'limit': _LIMIT, 'nonce': next(self._numbers)})}"
        started = time.perf_counter()
        self._get(path)
        return time.perf_counter() - started

    def far_page(self, number: int) -> dict[str, str]:
        """Return the query of a page of the list, found by walking there a hundred products at a time."""
        left = (number - 1) * _LIMIT
        cursor: dict[str, str] = {}
        while left:
            step = min(left, _MOST)
            page = json.loads(
                self._get(f"{_PATH}?{urlencode({**cursor, 'fields': 'sku', 'limit': step})}")
            )
            cursor = {"cursor": parse_qs(urlsplit(page["next"]).query)["cursor"][0]}
            left -= step
        return cursor

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        with self._connection.getresponse() as response:
            body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise UnexpectedAnswerError(f"{path} answers {response.status}: {body[:300]!r}")
        return body


def _some_names(url: str, products: int) -> list[list[str]]:
    """Return the words of some names: brand, adjective, material, noun, series."""
    with psycopg.connect(url) as connection:
        share = min(100, 100 * _SAMPLED / products)
        return [name.lower().split() for (name,) in connection.execute(_NAMES, [share])]


def _searches(
    names: Sequence[Sequence[str]], chance: random.Random
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the kind and the query of searches, for ever: words as often as products have them."""
    kinds: dict[str, tuple[int, Callable[[Sequence[str]], str]]] = {
        "a usual word": (25, lambda name: name[3]),
        "two usual words": (20, lambda name: f"{name[2]} {chance.choice(names)[3]}"),
        "a brand": (10, lambda name: name[0]),
        "a rare word": (10, lambda name: name[4]),
        "a brand and a word": (10, lambda name: f"{name[0]} {name[3]}"),
        "a misspelt word": (10, lambda name: _misspelt(name[3], chance)),
        "a word half typed": (10, lambda name: name[3][:4]),
        "a whole name": (5, " ".join),
    }
    shares = [share for share, _ in kinds.values()]
    while True:
        (kind,) = chance.choices(list(kinds), shares)
        yield kind, {"q": kinds[kind][1](chance.choice(names)), **_filter(chance)}


def _misspelt(word: str, chance: random.Random) -> str:
    """Leave a letter out, double one, or put another in its place."""
    at = chance.randrange(1, len(word))
    return word[:at] + chance.choice(("", word[at] * 2, "e")) + word[at + 1 :]


def _filter(chance: random.Random) -> dict[str, str]:
    if chance.random() >= _FILTERED:
        return {}
    return chance.choice(
        (
            {"category": f"seed-1-{chance.randrange(1, 200)}"},
            {"max_price": "30"},
            {"attr.color": "teal"},
            {"in_stock": "true"},
        )
    )


def markdown(scale: Scale) -> list[str]:
    """Return the figures as lines of Markdown."""
    near, search = scale.near, scale.search
    far, slow = scale.far.middle / near.middle, search.slow / near.slow
    rows: list[tuple[Any, ...]] = [
        ("the list's first page", "", near),
        (f"the list's page {min(_FAR, scale.products // _LIMIT):,}", "", scale.far),
        *(
            (f"search: {kind}", _share(times, search), times)
            for kind, times in scale.searches.items()
        ),
        ("search: all", "", search),
    ]
    return [
        f"| of {scale.products:,} products | share | median | 95th percentile |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {share} | {times.middle * 1e3:.1f} ms | {times.slow * 1e3:.1f} ms |"
            for name, share, times in rows
        ),
        "",
        (
            f"Far page to first page, medians: {far:.2f} (wanted: at most {_MOST_FAR}, "
            f"{verdict(met=far <= _MOST_FAR)}). Search to first page, 95th percentiles: {slow:.2f} "
            f"(wanted: under {_MOST_SLOW}, {verdict(met=slow < _MOST_SLOW)}); "
            f"to its median: {search.slow / near.middle:.2f}. A quarter of the searches have a filter too. "
            f"Seeding took {scale.seeded_seconds:.0f} s."
        ),
    ]


def _share(times: Times, of: Times) -> str:
    return f"{len(times.seconds) / len(of.seconds):.0%}"
