"""What an order costs: placed through the gateway of a whole platform, until its events are applied.

Beside it, in the same rounds, the limit: the same rows in the same tables by bare psycopg
(benchmarks.candidates.bare_orders). The two must leave the same number of rows of each table for
each order, or the benchmark stops.
"""

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from benchmarks import load
from benchmarks.candidates import bare_orders, customers
from benchmarks.load import Bounds, UnexpectedAnswerError, encode_request
from benchmarks.measure import Plan
from benchmarks.order_figures import Measured, Round
from benchmarks.platform import Platform, running
from benchmarks.processes import ROOT, cpu_seconds, run_once

REPLICAS: Final = (1, 2)
"""Web processes of each service with which a platform is measured."""

_PRODUCTS: Final = 1_000
_CUSTOMERS: Final = 500
_PLENTY: Final = 1_000_000
_DRAIN_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05
_CREATED: Final = 201

# What an order leaves behind, apart from sums.
_TABLES: Final = {
    "order": (
        *("orders", "order_line", "order_history", "order_call", "idempotency_record"),
        *("aggregate_sequence", "outbox", "inbox"),
    ),
    "catalog": ("reservation", "reservation_line", "stock_movement", "inbox"),
}
_DONE: Final = """
SELECT count(DISTINCT event_id) FILTER (WHERE handled_at IS NOT NULL),
       count(*) FILTER (WHERE dead_at IS NOT NULL)
FROM inbox WHERE type = 'order.placed'
"""

Databases = Mapping[str, psycopg.Connection[Any]]
"""Of order and catalog."""


def measure(plan: Plan, progress: Callable[[str], None]) -> list[Measured]:
    """Measure a platform of each size.

    Raises:
        UnexpectedAnswerError: an order was not placed, or the limit does not do the same.
    """
    return [_measure(replicas, plan, progress) for replicas in REPLICAS]


def _measure(replicas: int, plan: Plan, progress: Callable[[str], None]) -> Measured:
    title = f"orders, {replicas} web processes"
    progress(f"{title}: starting a platform")
    with contextlib.ExitStack() as stack:
        platform = stack.enter_context(running(replicas=replicas))
        ours, limit = _Ours(platform, stack), _Limit(platform, stack)
        measured = Measured(replicas, [], [])
        for number in range(plan.rounds + 1):
            progress(f"{title}: round {number} of {plan.rounds}")
            pair: list[tuple[_Ours | _Limit, list[Round]]] = [
                (ours, measured.ours),
                (limit, measured.limit),
            ]
            for candidate, rounds in pair if number % 2 else reversed(pair):
                done = candidate.sample(plan.bounds)
                if number:  # round 0 warms up connections, plans and caches
                    rounds.append(done)
        _require_same_rows(ours.rows(), limit.rows())
    return measured


class _Ours:
    """The platform, asked through its gateway by customers with tokens of its own key."""

    def __init__(self, platform: Platform, stack: contextlib.ExitStack) -> None:
        urls = {service: platform.variables(service)["DATABASE_URL"] for service in _TABLES}
        self._databases = _connect(urls, stack)
        self._url = platform.gateway
        self._engines = [*platform.engines, platform.pid("platform", "cache")]
        self._others = [pid for pid in platform.pids if pid not in self._engines]
        self._placed = 0
        _add_products(platform.variables("catalog"), self._databases["catalog"])
        self._requests = _requests(self._customers(platform), self._databases["catalog"])

    def _customers(self, platform: Platform) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", customers.__name__, str(_CUSTOMERS)],
            cwd=ROOT,
            env={
                **os.environ,
                **platform.variables("auth"),
                "DJANGO_SETTINGS_MODULE": "settings.auth",
            },
            stdout=subprocess.PIPE,
            check=True,
        )
        tokens: dict[str, str] = json.loads(done.stdout)
        with self._databases["order"].cursor() as cursor:
            cursor.executemany(
                "INSERT INTO customer (user_id, email, name) VALUES (%s, %s, 'Anyone')",
                [(user_id, f"{user_id}@example.com") for user_id in tokens],
            )
        return list(tokens.values())

    def sample(self, bounds: Bounds) -> Round:
        before = cpu_seconds(self._others), cpu_seconds(self._engines)
        started = time.perf_counter()
        url = f"{self._url}/api/v1/orders"
        done = load.run(url, self._requests, bounds, status=_CREATED)
        self._placed += done.requests
        self._wait_until_applied()
        applied = time.perf_counter() - started
        after = cpu_seconds(self._others), cpu_seconds(self._engines)
        application, database = (end - start for start, end in zip(before, after, strict=True))
        return Round(done.requests, done.seconds, applied, application, database, done.times)

    def _wait_until_applied(self) -> None:
        deadline = time.perf_counter() + _DRAIN_SECONDS
        for service, database in self._databases.items():
            while True:
                handled, dead = _one(database, _DONE)
                if dead or time.perf_counter() > deadline:
                    raise UnexpectedAnswerError(
                        f"{service} applied {handled} of {self._placed} events; {dead} are dead"
                    )
                if handled == self._placed:
                    break
                time.sleep(_POLL_SECONDS)

    def rows(self) -> dict[str, float]:
        return _rows(self._databases)


class _Limit:
    """The same by a process that is told what to do through its input."""

    def __init__(self, platform: Platform, stack: contextlib.ExitStack) -> None:
        urls = {service: platform.copy_database(service) for service in _TABLES}
        self._databases = _connect(urls, stack)
        _add_products(
            {**platform.variables("catalog"), "DATABASE_URL": urls["catalog"]},
            self._databases["catalog"],
        )
        variables = {f"BENCH_{service.upper()}_URL": url for service, url in urls.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", bare_orders.__name__],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        stack.callback(self._process.wait)
        stack.callback(self._process.stdin.close)
        self._engines = platform.engines

    def sample(self, bounds: Bounds) -> Round:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = cpu_seconds([self._process.pid]), cpu_seconds(self._engines)
        self._process.stdin.write(f"{bounds.requests} {bounds.seconds}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        after = cpu_seconds([self._process.pid]), cpu_seconds(self._engines)
        if not line:
            raise UnexpectedAnswerError("the limit of orders ended; the reason is above")
        done = json.loads(line)
        application, database = (end - start for start, end in zip(before, after, strict=True))
        return Round(
            len(done["times"]),
            done["answered"],
            done["applied"],
            application,
            database,
            done["times"],
        )

    def rows(self) -> dict[str, float]:
        return _rows(self._databases)


def _requests(tokens: Sequence[str], catalog: psycopg.Connection[Any]) -> Iterator[bytes]:
    """Yield orders of one line, for ever: each of the next customer, of a sku and a quantity by chance."""
    skus = [row[0] for row in catalog.execute("SELECT sku FROM product").fetchall()]
    chance = random.Random(0)
    for number in itertools.count():
        line = {"sku": chance.choice(skus), "quantity": chance.randint(1, 3)}
        body = {"lines": [line], "shipping_address": bare_orders.ADDRESS}
        yield encode_request(
            "POST",
            "/api/v1/orders",
            json.dumps(body).encode(),
            Authorization=f"Bearer {tokens[number % len(tokens)]}",
            Idempotency_Key=f"order-{number}",
        )


def _add_products(variables: Mapping[str, str], catalog: psycopg.Connection[Any]) -> None:
    """Add products of which no load takes so many that their stock runs low."""
    run_once(["manage.py", "catalog", "seed", "--products", str(_PRODUCTS)], variables)
    catalog.execute("UPDATE product SET status = 'active'")
    catalog.execute("UPDATE stock SET on_hand = %s", [_PLENTY])
    catalog.execute("VACUUM ANALYZE product, stock, stock_movement")


def _connect(urls: Mapping[str, str], stack: contextlib.ExitStack) -> Databases:
    return {
        service: stack.enter_context(psycopg.connect(url, autocommit=True))
        for service, url in urls.items()
    }


def _one(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def _rows(databases: Databases) -> dict[str, float]:
    """Return how many rows of each table there are for each order."""
    (orders,) = _one(databases["order"], "SELECT count(*) FROM orders")
    return {
        f"{service}.{table}": _count(databases[service], table) / orders
        for service, tables in _TABLES.items()
        for table in tables
    }


def _count(database: psycopg.Connection[Any], table: str) -> int:
    # The ledger of a seeded shop begins with what it received.
    condition = " WHERE order_id IS NOT NULL" if table == "stock_movement" else ""
    condition = " WHERE type = 'order.placed'" if table == "inbox" else condition
    (rows,) = _one(database, f"SELECT count(*) FROM {table}{condition}")  # noqa: S608 -- constants
    return int(rows)


def _require_same_rows(ours: dict[str, float], limit: dict[str, float]) -> None:
    differing = [
        f"{table} ({ours[table]:g}, {limit[table]:g})"
        for table in ours
        if ours[table] != limit[table]
    ]
    if differing:
        raise UnexpectedAnswerError(
            f"an order of ours and one of the limit leave other rows: {', '.join(differing)}"
        )
