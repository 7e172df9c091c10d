"""Processes of the platform that a test kills, or starts a second one of."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator

import psutil

from tests.system.platform import ROOT, Platform, wait_until


def wait_for_next(platform: Platform, service: str, role: str, pid: int) -> None:
    """Return when another process than this one does its work."""

    def is_back() -> bool:
        row = platform.row(service, role)
        return row["state"] == "running" and row["pid"] not in {None, pid}

    wait_until(is_back, seconds=60, what=f"the next {service} {role}")


@contextlib.contextmanager
def second(platform: Platform, service: str, role: str) -> Iterator[psutil.Process]:
    """Run another process of a role beside the first; it is told to end with the block."""
    plan, process = platform.plan, platform.process(service, role)
    health = plan.home.health / f"{process.name}-2"
    own_address = {"HEALTH_FILE": str(health), "METRICS_BIND": ""}
    first = json.loads((plan.home.run / "processes" / f"{process.name}.json").read_text())
    with (platform.home / "logs" / f"{process.name}-2.log").open("wb") as log:
        own = subprocess.Popen(
            plan.command(process),
            cwd=ROOT,
            env={**first["environment"], **own_address},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(health.exists, seconds=60, what=f"a second {service} {role}")
        yield psutil.Process(own.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            own.send_signal(signal.SIGTERM)
        own.wait(timeout=60)


def send(pid: int, number: signal.Signals) -> None:
    """Send a process a signal."""
    os.kill(pid, number)
