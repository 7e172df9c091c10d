"""The time between a stop that was asked for and its begin: not ready any more, and still serving.

Whoever balances the load hears of it by its next look at readiness, and sends no more. Without that
time requests would meet a server that is gone.
"""

import mmap
from typing import Final

# Made before the fork, so that the master, which gets the signal, and the worker, which answers, share it.
_shared: Final = mmap.mmap(-1, 1)


def begin() -> None:
    """Tell, from now on, that this process and those it shares memory with are going to stop."""
    _shared[0] = 1


def is_under_way() -> bool:
    """Tell whether a stop was asked for."""
    return _shared[0] == 1
