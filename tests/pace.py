"""How fast this machine is now: a deadline holds at the reference pace, and is longer on a slower one.

What a process takes to start is mostly the import of modules, so the import of modules is what is
timed. A machine that is shared does it in three times the time in one minute and not in the next.
"""

import subprocess
import sys
import time
from typing import Final

_IMPORTS: Final = (
    "import asyncio, concurrent.futures, csv, decimal, doctest, email.mime.multipart, http.server,"
    " logging.config, sqlite3, unittest.mock, urllib.request, xml.dom.minidom, xmlrpc.server"
)
_REFERENCE_SECONDS: Final = 0.25
"""Of Python 3.11 where a service's web process starts in 2 s."""


def slowness() -> float:
    """Return how many times as long as at the reference pace a process takes to start now, at least 1.

    The better of two tries: one that was interrupted tells nothing.
    """
    return max(1.0, min(_seconds() for _ in range(2)) / _REFERENCE_SECONDS)


def _seconds() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", _IMPORTS], check=True)
    return time.perf_counter() - started
