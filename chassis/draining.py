"""The time between a stop that was asked for and its begin: not ready any more, and still serving.

Whoever balances the load hears of it by its next look at readiness, and sends no more. Without that
time requests would meet a server that is gone.
"""

import mmap
import struct
import time
from typing import Final

QUIET_SECONDS: Final = 3.0
"""More than the gateway takes to look again, after whatever made it forget that a server is not ready."""
LONGEST_SECONDS: Final = 10.0
"""How much longer a process serves at most, while requests come: with what they may take it ends within 45 s."""

_TIMES: Final = struct.Struct("dd")
# Made before the fork, so that the master, which gets the signal, and the worker, which answers, share
# it: when the stop was asked for, and when the last request came since. Both by the monotonic clock,
# which all processes of a machine have in common.
_shared: Final = mmap.mmap(-1, _TIMES.size)


def begin() -> None:
    """Tell, from now on, that this process and those it shares memory with are going to stop."""
    now = time.monotonic()
    _TIMES.pack_into(_shared, 0, now, now)


def is_under_way() -> bool:
    """Tell whether a stop was asked for."""
    asked, _ = _TIMES.unpack_from(_shared)
    return bool(asked)


def note_request(path: str) -> None:
    """Note that a request came, unless it asks for health alone."""
    asked, _ = _TIMES.unpack_from(_shared)
    if asked and not path.startswith("/health/"):
        _TIMES.pack_into(_shared, 0, asked, time.monotonic())


def seconds_left(least: float) -> float:
    """Return for how long to serve on: for `least` seconds, and until nobody has asked for QUIET_SECONDS.

    Negative or zero when it is over. Call it after `begin`.
    """
    asked, last = _TIMES.unpack_from(_shared)
    until = min(max(asked + least, last + QUIET_SECONDS), asked + least + LONGEST_SECONDS)
    return float(until - time.monotonic())
