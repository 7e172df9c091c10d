"""A project of compose.yaml, run from a copy of the checkout with secrets of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from local.home import SERVICES
from tests.containers.engine import Finished, docker, inspect, seconds_to_health, state
from tests.engines import free_port
from tests.system.platform import ROOT, Client, wait_until

BUILD_SECONDS: Final = 900
UP_SECONDS: Final = 600
# What is built from, and what compose.yaml mounts. Neither an own .env nor own secrets are touched.
COPIED: Final = (
    *("apps", "chassis", "settings", "local", "requirements", "gateway", "compose", "deploy"),
    *("compose.yaml", "Dockerfile", ".dockerignore", "manage.py"),
)
# The events of a wiped broker are asked for every two seconds, and load is not held up.
SETTINGS: Final = "SWEEP_SECONDS=2\n"
LIMITS_OFF: Final = {"RATE_LIMIT": "0", "LOGIN_RATE_LIMIT": "0"}


class NotStartedError(Exception):
    """The containers are not all well in time; says what they told."""


class Stack:
    """One project: its folder, its name, its port, and the tag of its images."""

    def __init__(self, folder: Path, project: str, tag: str) -> None:
        """Start nothing yet."""
        self.folder = folder
        self.project = project
        self.tag = tag
        self.port = free_port()
        self.figures: dict[str, str] = {}
        """What was measured, for the end of the run."""
        self.first_states: dict[str, dict[str, Any]] = {}
        """Of the containers by their names, before any test: a later `up` runs one-shots again."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self) -> dict[str, str]:
        """Return the environment of every command: the caller's, for its base images and its engine."""
        return {
            **os.environ,
            **LIMITS_OFF,
            "SOUK_PORT": str(self.port),
            "SOUK_TAG": self.tag,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROGRESS": "plain",
        }

    def compose(self, *arguments: str, seconds: float = 120, check: bool = True) -> Finished:
        """Run docker compose."""
        return docker(
            *("compose", *arguments),
            folder=self.folder,
            variables=self.variables(),
            seconds=seconds,
            check=check,
        )

    def image(self, service: str) -> str:
        """Return the name of a service's image."""
        return f"souk-{service}:{self.tag}"

    def containers(self, name: str | None = None, *, stopped: bool = False) -> list[str]:
        """Return the names of the containers of a compose service, or of all, in order."""
        filters = ["--filter", f"label=com.docker.compose.project={self.project}"]
        if name:
            filters += ["--filter", f"label=com.docker.compose.service={name}"]
        shown = ["--all"] if stopped else []
        found = docker("ps", *shown, *filters, "--format", "{{.Names}}").stdout.split()
        return sorted(found)

    def container(self, name: str) -> str:
        """Return the one container of a compose service."""
        (found,) = self.containers(name)
        return found

    def python(self, name: str, code: str, *, check: bool = True) -> Finished:
        """Run Python in a container of one of the services."""
        return docker("exec", self.containers(name)[0], "python", "-c", code, check=check)

    def secret(self, name: str) -> str:
        """Return what a file of secrets/ holds."""
        return (self.folder / "secrets" / name).read_text(encoding="utf-8").strip()

    def build(self) -> None:
        """Build the images; note how long that took and how large they are."""
        started = time.monotonic()
        self.compose("build", *SERVICES, seconds=BUILD_SECONDS)
        self.figures["build of three images"] = f"{time.monotonic() - started:.0f} s"
        for service in SERVICES:
            size = inspect(self.image(service))[0]["Size"] / 1e6
            self.figures[f"image of {service}"] = f"{size:.0f} MB"

    def up(self, *arguments: str) -> None:
        """Start what is not running; return when all that has a health check is well.

        Compose gives up at the first container that is unhealthy, which on a busy machine is only slow.
        """
        deadline = time.monotonic() + UP_SECONDS
        command = ("up", "--detach", "--wait", *arguments)
        while (finished := self.compose(*command, seconds=UP_SECONDS, check=False)).returncode:
            if time.monotonic() > deadline:
                raise NotStartedError(f"{finished.stderr[-500:]}\n{self.told()}")

    def told(self) -> str:
        """Return the states of the containers and the ends of their logs."""
        states = self.compose("ps", "--all", check=False).stdout
        logs = self.compose("logs", "--no-color", "--tail", "6", check=False).stdout
        return f"{states}\n{logs[-12000:]}"

    def note_first_states(self) -> None:
        """Note how each container began, and when it was healthy; the engine keeps five checks only."""
        self.first_states = {name: state(name) for name in self.containers(stopped=True)}
        for name in self.containers():
            taken = seconds_to_health(name)
            if taken is not None:
                short = name.removeprefix(f"{self.project}-").removesuffix("-1")
                self.figures[f"{short} healthy after"] = f"{taken:.1f} s"

    def down(self) -> None:
        """Take away containers, networks and volumes."""
        arguments = ("--volumes", "--remove-orphans", "--timeout", "5")
        self.compose("--profile", "*", "down", *arguments, check=False)

    def wait_until_served(self, seconds: float = 60) -> None:
        """Return when every service answers at the gateway: healthy comes before found."""
        paths = ("/.well-known/jwks.json", "/api/v1/catalog/products", "/api/v1/orders")
        with self.client() as client:
            wait_until(
                lambda: all(client.get(path).status_code in {200, 401} for path in paths),
                seconds=seconds,
                what="every service behind the gateway",
            )

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Give a client of the gateway for as long as the block takes."""
        client = Client(self.url)
        with client.http:
            yield client

    @contextlib.contextmanager
    def demo_user(self, role: str) -> Iterator[Client]:
        """Give a client that is logged in as a demo user."""
        with self.client() as client:
            yield client.log_in(f"{role}@souk.example", self.secret("auth.demo_password"))


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the checkout with secrets made for it; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="souk-containers-")).resolve()
    try:
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, folder / name)
        (folder / ".env").write_text(SETTINGS)
        subprocess.run(
            [sys.executable, "-m", "local.secrets_folder", str(folder / "secrets")],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def built() -> Iterator[Stack]:
    """Build the images; take them away again, unless SOUK_KEEP_IMAGES is set."""
    name = f"souk-test-{os.getpid()}"
    with copied() as folder:
        stack = Stack(folder, name, name)
        try:
            stack.build()
            yield stack
        finally:
            if not os.environ.get("SOUK_KEEP_IMAGES"):
                images = [stack.image(service) for service in SERVICES]
                docker("image", "rm", "--force", *images, check=False)


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[None]:
    """Start everything, with the demo's products and users; end it in any case."""
    try:
        started = time.monotonic()
        stack.up()
        stack.figures["compose up --wait"] = f"{time.monotonic() - started:.0f} s"
        stack.note_first_states()
        for service in ("auth", "catalog"):
            stack.compose("run", "--rm", "--no-deps", f"{service}-seed", seconds=UP_SECONDS)
        stack.wait_until_served()
        yield
    finally:
        stack.down()
