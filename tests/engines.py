"""Real PostgreSQL and Redis for the tests, as a pytest plugin (`-p tests.engines`).

A run with a service's settings (`pytest --ds=settings.order tests/order_service`) gets engines
on free ports, in a folder of its own, before Django reads its settings. `tests/run.py` starts
them once and hands them to every suite. They do not flush to disk: a crash of theirs may lose
what a test wrote. Nothing else about them differs from the engines of a local platform.

The engines belong to a process of their own (`python -m tests.engines`), which ends them when
its input closes: they go with the run even when it is killed.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest
import redis

from local import postgres, valkey
from tests.environment import SERVICES, apply, environment

HANDED: Final = "SOUK_TEST_ENGINES"
_ROOT: Final = Path(__file__).resolve().parent.parent
_START_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines answer: URLs without a database, and a folder for files."""

    postgres_url: str
    redis_url: str
    folder: str


# The plugin


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the engines and set the service's variables before pytest-django reads settings."""
    module = early_config.known_args_namespace.ds or os.environ.get("DJANGO_SETTINGS_MODULE", "")
    package, _, service = module.partition(".")
    if package == "settings" and service in SERVICES:
        engines = handed() or _started(early_config)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        values = environment(
            service,
            postgres_url=engines.postgres_url,
            redis_url=engines.redis_url,
            worker=int(worker),
        )
        folders = {"MEDIA_ROOT": "media", "FILES_ROOT": "files"}
        apply(values | {name: f"{engines.folder}/{part}" for name, part in folders.items()})
    return (yield)


def handed() -> Engines | None:
    """Return the engines that another process started for this one."""
    text = os.environ.get(HANDED)
    return Engines(**json.loads(text)) if text else None


def _started(config: pytest.Config) -> Engines:
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    engines = stack.enter_context(running())
    hand_over(engines)
    stack.callback(os.environ.pop, HANDED)
    return engines


def hand_over(engines: Engines) -> None:
    """Let processes that this one starts use the engines instead of starting their own."""
    os.environ[HANDED] = json.dumps(asdict(engines))


@contextlib.contextmanager
def running(*, shared_buffers: str = "64MB") -> Iterator[Engines]:
    """Run engines, in a process that outlives neither the block nor this process.

    Args:
        shared_buffers: PostgreSQL's memory; a benchmark may need more than tests do.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.engines", shared_buffers],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests; the engines end after them
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        line = keeper.stdout.readline()
        if not line:
            raise RuntimeError("The engines for the tests did not start; the reason is above.")
        try:
            yield Engines(**json.loads(line))
        finally:
            keeper.stdin.close()
            keeper.wait()


# The process that keeps the engines


def main() -> None:
    """Start the engines, print where they are as JSON, and end them when the input closes."""
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="souk-tests-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        engines = Engines(
            postgres_url=_start_postgres(folder, stack, *sys.argv[1:2]),
            redis_url=_start_redis(folder, stack),
            folder=str(folder),
        )
        print(json.dumps(asdict(engines)), flush=True)
        sys.stdin.read()


def _start_postgres(folder: Path, stack: contextlib.ExitStack, shared_buffers: str = "64MB") -> str:
    password, port = secrets.token_urlsafe(), free_port()
    prefix = postgres.unprivileged_prefix()
    data, password_file = folder / "postgres", folder / "password"
    password_file.write_text(password)
    data.mkdir(mode=0o700)
    if "setpriv" in prefix:
        shutil.chown(data, "nobody")
    subprocess.run(
        [
            *prefix,
            *(postgres.binary("initdb"), "--pgdata", data, "--username=souk"),
            *("--auth=scram-sha-256", "--pwfile", password_file, "--no-sync", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
            "--builtin-locale=C.UTF-8",
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 250,
        "shared_buffers": shared_buffers,
        "io_method": "sync",  # as the local platform's, and so is the next
        "jit": "off",
        "scram_iterations": 1,  # a password costs 4 ms of each connection otherwise, on both ends
    }
    settings = [f"--{name}={value}" for name, value in options.items()]
    server: list[str | Path] = [*prefix, postgres.binary("postgres"), "-D", data, *settings]
    # SIGQUIT: its children end with it, and nothing is written to disk.
    _start(server, folder, stack, signal.SIGQUIT)
    url = f"postgresql://souk:{password}@127.0.0.1:{port}"
    _wait(lambda: psycopg.connect(f"{url}/postgres").close(), psycopg.OperationalError, folder)
    role_password = secrets.token_urlsafe()
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        # As in production a service's role is no superuser; it may make its test database.
        connection.execute(f"CREATE ROLE souk_test LOGIN CREATEDB PASSWORD '{role_password}'")
    return f"postgresql://souk_test:{role_password}@127.0.0.1:{port}"


def _start_redis(folder: Path, stack: contextlib.ExitStack) -> str:
    port = free_port()
    command: list[str | Path] = [
        *(valkey.binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder),
        *("--databases", "64", "--save", "", "--appendonly", "no"),
    ]
    _start(command, folder, stack, signal.SIGKILL)
    client = redis.Redis(port=port)
    _wait(client.ping, redis.ConnectionError, folder)
    client.close()
    return f"redis://127.0.0.1:{port}"


def _start(
    command: list[str | Path],
    folder: Path,
    stack: contextlib.ExitStack,
    ending: signal.Signals,
) -> None:
    with (folder / "engines.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.send_signal, ending)


def _wait(ask: Callable[[], object], not_yet: type[Exception], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            ask()
        except not_yet:
            if time.monotonic() > deadline:
                sys.stderr.write((folder / "engines.log").read_text(errors="replace"))
                raise
            time.sleep(0.02)
        else:
            return


def free_port() -> int:
    """Return a loopback port for a server, kept from everybody else until this process ends.

    A port that is only looked up may be given to the next who asks for any, before the server has
    started. So it stays bound, by a socket that never listens: connections are refused, and a server
    that reuses addresses, as all of ours do, listens beside it. Only Linux allows that.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        if sys.platform == "linux":
            keeper.detach()  # so that it is closed with the process
        return port


if __name__ == "__main__":
    main()
