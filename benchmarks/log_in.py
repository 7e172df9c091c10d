"""Whether the time of a refused log-in tells who has an account (ADR 0016).

The running auth service is asked over HTTP, on the real engines: every refusal counts its attempt and
hashes one password. The kinds come in random order, one of each in turn, so that what else the
machine does falls on all of them alike. The time is the client's, as a guesser would take it.
"""

import contextlib
import http.client
import json
import random
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import psycopg

from benchmarks import database
from benchmarks.load import UnexpectedAnswerError
from benchmarks.processes import run_once, running, wait_until_ready
from tests.engines import free_port

_PATH: Final = "/api/v1/auth/token"
_TURNS: Final = 30
_KNOWN: Final = "an account, with a wrong password"
_EMAILS: Final = {
    _KNOWN: "customer@souk.example",
    "no account": "nobody@souk.example",
    "an inactive account": "staff@souk.example",
    "an account that waits for its confirmation": "admin@souk.example",
}
_ACCOUNTS: Final = """
UPDATE users SET is_active = lower(email) <> 'staff@souk.example',
                 awaits_confirmation = lower(email) = 'admin@souk.example'
"""
_HEADINGS: Final = ("a refused log-in of", "time", "to an account's")

Round = dict[str, float]
"""Milliseconds by kind of log-in."""


def measure(rounds: int) -> list[Round]:
    """Return the median log-in of each kind in each round; one round before them warms up.

    Raises:
        UnexpectedAnswerError: a log-in was not refused as a wrong password is.
    """
    with _service() as (url, connection):
        client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        with contextlib.closing(client):
            return [_round(client, connection) for _ in range(rounds + 1)][1:]


def markdown(rounds: Sequence[Round]) -> list[str]:
    """Return the figures as lines of a Markdown table, and the ratio of the slowest to the fastest."""
    rows = [_HEADINGS, tuple("---" for _ in _HEADINGS)]
    # Both sides of a ratio come from the same round: the machine's pace changes between rounds.
    ratios = {kind: median(each[kind] / each[_KNOWN] for each in rounds) for kind in _EMAILS}
    for kind, ratio in ratios.items():
        values = [each[kind] for each in rounds]
        spread = (max(values) - min(values)) / 2
        rows.append((kind, f"{median(values):.1f} ms ±{spread:.1f}", f"{ratio:.3f}"))
    widest = max(ratios.values()) / min(ratios.values())
    table = [f"| {' | '.join(row)} |" for row in rows]
    return [*table, "", f"The slowest kind takes {widest:.3f} times as long as the fastest."]


def _round(client: http.client.HTTPConnection, connection: psycopg.Connection) -> Round:
    took: dict[str, list[float]] = {kind: [] for kind in _EMAILS}
    for _ in range(_TURNS):
        # Else the fifth wrong password of an account is not looked at.
        connection.execute("DELETE FROM counter")
        for kind in random.sample(list(_EMAILS), len(_EMAILS)):
            took[kind].append(_log_in(client, _EMAILS[kind]))
    return {kind: median(values) for kind, values in took.items()}


def _log_in(client: http.client.HTTPConnection, email: str) -> float:
    """Return how many milliseconds a log-in with a wrong password takes."""
    body = json.dumps({"email": email, "password": "a wrong password 1"})
    began = time.perf_counter()
    client.request("POST", _PATH, body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    content = answer.read()
    took = time.perf_counter() - began
    if answer.status != http.client.UNAUTHORIZED or b'"credentials-invalid"' not in content:
        raise UnexpectedAnswerError(f"log-in of {email}: {answer.status} {content[:500]!r}")
    return took * 1000


@contextlib.contextmanager
def _service() -> Iterator[tuple[str, psycopg.Connection]]:
    """Run auth's web process with an account of each kind; yield its URL and its database."""
    address = f"127.0.0.1:{free_port()}"
    own = {"BIND": address, "DEMO_PASSWORD": "a right password 1"}
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(database.migrated("auth"))
        variables = {**found.variables, **own}
        run_once(["manage.py", "auth", "seed_demo"], variables)
        connection = stack.enter_context(psycopg.connect(found.url, autocommit=True))
        connection.execute(_ACCOUNTS)
        stack.enter_context(running("auth", ["manage.py", "auth", "web"], variables, found.folder))
        wait_until_ready("auth", f"http://{address}/health/ready", found.folder)
        yield f"http://{address}", connection
