"""A whole platform of its own for the writes: `manage.py up`, with nothing in its shop."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.processes import ROOT, run_once
from local.home import SERVICES, Home, parse_variables
from tests.engines import free_port


@dataclass(frozen=True, slots=True)
class Process:
    """A row of `manage.py status --json`."""

    pid: int
    url: str


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: its home, its gateway, and its processes by (service, role)."""

    home: Home
    gateway: str
    processes: dict[tuple[str, str], Process]
    """By service and role; of several web processes the last."""
    pids: tuple[int, ...]
    """Of every process, several web processes of a service among them."""

    def pid(self, service: str, role: str) -> int:
        """Return the id of a process."""
        return self.processes[service, role].pid

    @property
    def engines(self) -> list[int]:
        """Return the ids of what stores: PostgreSQL and the broker."""
        return [self.pid("platform", "postgres"), self.pid("platform", "redis")]

    def variables(self, service: str) -> dict[str, str]:
        """Return what a command of a service is started with."""
        text = (self.home.environment / f"{service}.env").read_text()
        return {**parse_variables(text), "SERVICE": service}

    def copy_database(self, service: str) -> str:
        """Make a database with the service's tables beside its own; return its URL."""
        name = f"benchmarks_{service}"
        server = self.processes["platform", "postgres"].url
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = f"{server.rpartition('/')[0]}/{name}"
        variables = {**self.variables(service), "DATABASE_URL": url}
        run_once(["manage.py", service, "migrate", "--no-input", "--verbosity=0"], variables)
        return url


@contextlib.contextmanager
def running(*, replicas: int = 1) -> Iterator[Platform]:
    """Run a platform in a temporary home, and take it down and away afterwards.

    Args:
        replicas: web processes of each service.
    """
    webs = ",".join(f"{service}={replicas}" for service in SERVICES)
    folder = Path(tempfile.mkdtemp(prefix="souk-bench-"))
    variables = {"SOUK_HOME": str(folder), "SOUK_PORT": str(free_port())}
    variables |= {"RATE_LIMIT": "0", "LOGIN_RATE_LIMIT": "0"}  # the load comes from one address
    try:
        run_once(["manage.py", "up", "--detach", "--no-seed", "--replicas", webs], variables)
        try:
            yield _read(folder, variables)
        finally:
            run_once(["manage.py", "down"], variables)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path, variables: dict[str, str]) -> Platform:
    answer = subprocess.run(
        [sys.executable, "manage.py", "status", "--json"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        check=True,
    )
    status = json.loads(answer.stdout)
    processes = {
        (row["service"], row["role"]): Process(row["pid"], row["url"])
        for row in status["processes"]
    }
    pids = tuple(row["pid"] for row in status["processes"])
    return Platform(Home(folder), status["gateway"], processes, pids)
