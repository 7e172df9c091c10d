"""The time between a stop that was asked for and its begin: not ready any more, and still serving.

Whoever balances the load hears of it by its next look at readiness, and sends no more. Without that
time requests would meet a server that is gone.
"""

import mmap
import time
from typing import Final

QUIET_SECONDS: Final = 3.0
"""More than the gateway takes to look again, after whatever made it forget that a server is not ready."""
LONGEST_SECONDS: Final = 10.0
"""How much longer a process serves at most, while requests come."""

# Made before the fork, so that the master, which gets the signal, and the worker, which answers, share
# it: when the stop was asked for, 0 before that, and when the last request came since. Both by the
# monotonic clock, which all processes of a machine have in common. Each is written and read at once:
# struct would write zeros first, and the other process see them.
_times: Final = memoryview(mmap.mmap(-1, 16)).cast("d")
_ASKED, _LAST = 0, 1


def begin() -> None:
    """Tell, from now on, that this process and those it shares memory with are going to stop."""
    _times[_LAST] = _times[_ASKED] = time.monotonic()


def is_under_way() -> bool:
    """Tell whether a stop was asked for."""
    return _times[_ASKED] > 0


def note_request(path: str) -> None:
    """Note that a request came, unless it asks for health alone."""
    if is_under_way() and not path.startswith("/health/"):
        _times[_LAST] = time.monotonic()


def seconds_left(least: float) -> float:
    """Return for how long to serve on: for `least` seconds, and until nobody has asked for QUIET_SECONDS.

    Negative or zero when it is over. Call it after `begin`.
    """
    first = _times[_ASKED] + least
    until = min(max(first, _times[_LAST] + QUIET_SECONDS), first + LONGEST_SECONDS)
    return until - time.monotonic()
