"""The measured processes: started, waited for, ended; and how much processor time they took."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
_READY_SECONDS: Final = 60
_STOP_SECONDS: Final = 10


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], variables: Mapping[str, str], folder: Path
) -> Iterator[int]:
    """Run `python COMMAND` with these variables added to ours; yield its process id.

    What it prints goes to a file in the folder, shown when it does not start.
    """
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(name: str, url: str, folder: Path) -> None:
    """Return when the URL answers 200.

    Raises:
        SystemExit: it does not within a minute; the message ends with what the process printed.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- loopback HTTP
                return
        except (urllib.error.URLError, ConnectionError) as error:
            if time.monotonic() > deadline:
                printed = (folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{printed}\n{name} is not ready at {url}: {error}") from error
            time.sleep(0.1)


def run_once(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run `python COMMAND` to its end.

    Raises:
        SystemExit: it failed; the message is what it printed.
    """
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout[-2000:]}\n{' '.join(command)} failed")


def cpu_seconds(roots: Sequence[int]) -> float:
    """Return the user and system time of process trees, children that ended included.

    It comes from /proc/PID/stat, in hundredths of a second; it grows from call to call, and the
    difference of two calls is the time taken between them.
    """
    total = 0.0
    for root in roots:
        process = psutil.Process(root)
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
