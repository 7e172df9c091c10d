"""Ask whether the process of this container lives: `python -IS probe.py` exits with 0 if it does.

A worker or relay touches HEALTH_FILE while it is well, so a fresh file tells all; a web process has
none, and is asked at /health/live. Without a framework and an HTTP client, which take longer to
load than the answer takes: an engine runs this every few seconds beside every process.
"""

import os
import socket
import sys
import time
from collections.abc import Mapping

FRESH_SECONDS = 30
"""Workers and relays touch the file every 2 s; one that hangs ends itself within a minute (ADR 0037)."""
_SECONDS = 2


def main(environment: Mapping[str, str]) -> int:
    """Return 0 if the process lives, else 1; say why not."""
    problem = _problem(environment.get("HEALTH_FILE"), environment.get("BIND", "0.0.0.0:8000"))
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


def _problem(health_file: str | None, bind: str) -> str | None:
    try:
        age = time.time() - os.stat(health_file).st_mtime if health_file else None  # noqa: PTH116 -- pathlib doubles the start time
    except FileNotFoundError:
        age = None
    if age is not None:
        return f"{health_file} was touched {age:.0f} s ago" if age > FRESH_SECONDS else None
    return _problem_of_web(int(bind.rpartition(":")[2]))


def _problem_of_web(port: int) -> str | None:
    request = b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
            connection.sendall(request)
            status = connection.makefile("rb").readline()
    except OSError as error:
        return f"port {port} does not answer: {error}"
    return None if status.split()[1:2] == [b"200"] else f"/health/live answered {status!r}"


if __name__ == "__main__":
    sys.exit(main(os.environ))
