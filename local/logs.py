"""Show what the processes wrote, each line under the name of its process."""

import os
import time
from collections import deque
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path

from local.home import Home
from local.plan import Plan

_POLL_SECONDS = 0.2


def files_of(home: Home, plan: Plan, service: str | None) -> dict[str, Path]:
    """Return the log of each process of a service, or of all; `platform` are the engines."""
    names = [one.name for one in plan.processes() if service in (None, one.service)]
    if service in (None, "platform"):
        names.append("supervisord")
    return {name: home.logs / f"{name}.log" for name in names}


def show(files: dict[str, Path], lines: int, write: Callable[[str], None]) -> None:
    """Write the last lines of each log, one log after the other."""
    width = max(map(len, files), default=0)
    for name, file in files.items():
        if file.exists():
            with file.open(encoding="utf-8", errors="replace") as stream:
                for line in deque(stream, maxlen=lines):
                    write(f"{name:<{width}} | {line.rstrip()}")


def follow(files: dict[str, Path], write: Callable[[str], None]) -> None:
    """Write what is added to each log, for ever; a log that was rotated is opened anew."""
    width = max(map(len, files), default=0)
    followed = [_Followed(f"{name:<{width}} | ", file) for name, file in files.items()]
    while True:
        if not sum(log.write_new(write) for log in followed):
            time.sleep(_POLL_SECONDS)


class _Followed:
    """One log, read from its end on."""

    def __init__(self, prefix: str, file: Path) -> None:
        self._prefix = prefix
        self._file = file
        self._stream: TextIOWrapper | None = None
        self._partial = ""
        self._open(at_end=True)

    def write_new(self, write: Callable[[str], None]) -> int:
        """Write the lines that were completed since the last call; return how many."""
        if self._stream is None:
            self._open(at_end=False)
        if self._stream is None:
            return 0
        *lines, self._partial = (self._partial + self._stream.read()).split("\n")
        for line in lines:
            write(self._prefix + line)
        if not lines and self._is_rotated(self._stream):
            self._stream.close()
            self._stream = None
        return len(lines)

    def _open(self, *, at_end: bool) -> None:
        if self._file.exists():
            self._stream = self._file.open(encoding="utf-8", errors="replace")
            if at_end:
                self._stream.seek(0, 2)

    def _is_rotated(self, stream: TextIOWrapper) -> bool:
        try:
            current = self._file.stat().st_ino
        except FileNotFoundError:
            return False
        return current != os.fstat(stream.fileno()).st_ino
