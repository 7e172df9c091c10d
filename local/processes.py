"""Processes of a home, found with or without supervisord.

They are known by the marker in their environment. The engines are known by the folder they work
in as well: Valkey, and PostgreSQL's children, write over their environment to show a title.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from local.configuration import MARKER
from local.home import Home

_ENGINES = ("postgres", "redis", "cache")
_STOP_SECONDS, _KILL_SECONDS = 15, 5
_POLL_SECONDS = 0.05
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied)
_MIB = 1024 * 1024


def find(home: Home) -> list[psutil.Process]:
    """Return every process that was started for the home, this one's own line excepted."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {
        process.pid: process
        for process in psutil.process_iter()
        if process.pid not in own
        and (_variable(process, MARKER) == str(home.path) or _is_engine(process, home))
    }
    server = _postgres_by_file(home.data / "postgres")
    if server is not None:
        found.setdefault(server.pid, server)
    for process in list(found.values()):
        with contextlib.suppress(*_GONE):
            found.update((child.pid, child) for child in process.children(recursive=True))
    return list(found.values())


def end(home: Home) -> int:
    """End every process of the home, services before engines; return how many there were.

    supervisord must be gone or hopeless: it is killed first, so that it restarts nothing.
    """
    found = find(home)
    engines = [one for one in found if _is_postgres(one) or _is_engine(one, home)]
    others = [one for one in found if one not in engines]
    _kill([one for one in others if _is_supervisord(one)])
    _stop(others)
    _stop(engines)
    return len(found)


def proportional_mib(processes: Iterable[psutil.Process]) -> float:
    """Return the memory of the processes in MiB, shared pages counted once (PSS).

    Where the system keeps no such figure (macOS), each process's own pages (USS) are summed.
    """
    return sum(_proportional_bytes(process) for process in processes) / _MIB


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except _GONE:
        with contextlib.suppress(*_GONE):
            return int(process.memory_info().rss)
        return 0
    return int(getattr(memory, "pss", memory.uss))


def _stop(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(*_GONE):
            if process.status() == psutil.STATUS_STOPPED:
                process.resume()
            # The fast shutdown of PostgreSQL; its default waits for every client to leave.
            process.send_signal(signal.SIGINT if _is_postgres(process) else signal.SIGTERM)
    _kill(_wait(processes, _STOP_SECONDS))


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(*_GONE):
            process.kill()
    _wait(processes, _KILL_SECONDS)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for the processes to end; return those that did not."""
    deadline = time.monotonic() + seconds
    while (alive := [one for one in processes if is_alive(one)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Tell whether the process runs; a zombie, whose parent has yet to look, does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except (*_GONE, OSError):
        return None


def _is_supervisord(process: psutil.Process) -> bool:
    with contextlib.suppress(*_GONE):
        return any(Path(word).name == "supervise.py" for word in process.cmdline())
    return False


def _is_postgres(process: psutil.Process) -> bool:
    with contextlib.suppress(*_GONE):
        return process.name() == "postgres"
    return False


def _is_engine(process: psutil.Process, home: Home) -> bool:
    with contextlib.suppress(*_GONE, OSError):
        folder = Path(process.cwd())
        return folder.parent == home.data and folder.name in _ENGINES
    return False


def _postgres_by_file(cluster: Path) -> psutil.Process | None:
    """Return the server by its own pid file: root in a container may not look at nobody's."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
    except (OSError, ValueError, IndexError, *_GONE):
        return None
    same = _is_postgres(process) and Path(lines[1]).resolve() == cluster
    return process if same else None
