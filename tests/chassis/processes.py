"""The sample service's real processes: `python -m django web|worker|relay` on the test's database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engines import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 60.0
"""As long as the slowest machine may take: nobody waits for it but a test that fails."""


def wait_until(holds: Callable[[], Any], *, seconds: float = SECONDS, what: str = "") -> Any:
    """Return the first true value of `holds`; fail after some time."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class ServiceProcess:
    """One process of the sample service, with its log and its health file."""

    def __init__(self, role: str, folder: Path, variables: dict[str, str]) -> None:
        self.role = role
        self.port = free_port()
        self.health_file = folder / f"{role}-{self.port}.health"
        self.log_file = folder / f"{role}-{self.port}.log"
        self.started_at = time.monotonic()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chassis.sample.settings",
            "HEALTH_FILE": str(self.health_file),
            "BIND": f"127.0.0.1:{self.port}",
            "LOG_FORMAT": "json",
            **variables,
        }
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "django", role],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_fresh(self, seconds: float = 3) -> bool:
        """Tell whether the health file was touched lately."""
        try:
            return time.time() - self.health_file.stat().st_mtime < seconds
        except FileNotFoundError:
            return False

    def wait_until_it_beats(self) -> None:
        """Return when it has touched its health file once more."""
        before = self._beaten_at()
        wait_until(lambda: self._beaten_at() > before, what=f"a beat of {self.role}")

    def _beaten_at(self) -> int:
        return self.health_file.stat().st_mtime_ns

    def wait_until_healthy(self) -> "ServiceProcess":
        wait_until(
            lambda: self.is_fresh() or self.process.poll() is not None, what=f"{self.role} healthy"
        )
        assert self.process.poll() is None, self.log
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
