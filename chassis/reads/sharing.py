"""One reading for all who ask at the same time."""

import threading
from collections.abc import Callable


class _Round:
    """One reading, for all who asked before it began."""

    def __init__(self) -> None:
        self.ended = threading.Lock()
        self.ended.acquire()
        self.is_led = False
        self.result: int | None = None


class SharedRead:
    """One reading for all threads that ask at the same time. Nobody gets what was read before it asked.

    Who asks while one is under way waits for the next, with all the others that do.
    """

    def __init__(self, read: Callable[[], int | None]) -> None:
        """Share what `read` returns; it is called by one thread at a time."""
        self._read = read
        self._joining = threading.Lock()
        self._reading = threading.Lock()
        self._next = _Round()

    def __call__(self) -> int | None:
        """Return what was read after this call; None where the reading failed."""
        with self._joining:
            joined = self._next
            leads = not joined.is_led
            joined.is_led = True
        if leads:
            return self._lead(joined)
        with joined.ended:
            pass
        return joined.result

    def _lead(self, joined: _Round) -> int | None:
        with self._reading:
            with self._joining:
                self._next = _Round()
            try:
                joined.result = self._read()
            finally:
                joined.ended.release()
        return joined.result
