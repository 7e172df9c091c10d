"""A circuit breaker: whether another service is worth asking, and who finds out when it is again."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

FAILURES_TO_OPEN: Final = 5
PROBE_SECONDS: Final = 1.0
"""How often the health of a service is asked for while its circuit is open."""

log = structlog.get_logger()


class Circuit:
    """The process's circuit breaker of one service.

    It opens at the fifth failure in a row. While it is open no call is made, and so nobody waits for
    one: a thread beside the requests asks the service's own health, and closes it again. Until a call
    has then succeeded it is on trial, and opens at the first failure: a service may look well and
    still fail. A new process has not heard of the service yet and begins on trial too.
    """

    def __init__(self, name: str) -> None:
        """Start closed, on trial."""
        self._name = name
        self._lock = threading.Lock()
        self._open = False
        self._turn = 0
        self._failures = FAILURES_TO_OPEN - 1
        self._is_well: Callable[[], bool] | None = None
        self._prober: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether calls are refused."""
        return self._open

    def begin(self) -> int | None:
        """Return the turn to tell a call's outcome with; None where the call must not be made."""
        with self._lock:
            if not self._open:
                return self._turn
            # A fork leaves threads behind, and at its end Python starts none.
            if self._prober is None or not self._prober.is_alive():
                self._start_prober()
            return None

    def succeeded(self, turn: int) -> None:
        """Count a call that was answered.

        One that began before the circuit opened changes nothing afterwards.
        """
        with self._lock:
            if turn == self._turn and not self._open:
                self._failures = 0

    def failed(self, turn: int, *, is_well: Callable[[], bool]) -> None:
        """Count a call that was not answered, and open the circuit if it was one too many.

        One that began before the circuit opened changes nothing afterwards.

        Args:
            turn: what `begin` returned.
            is_well: asks the service's health; it is called in a thread of its own, and must neither
                raise nor take long.
        """
        with self._lock:
            if turn != self._turn or self._open:
                return
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._open, self._is_well = True, is_well
                self._start_prober()
                log.warning("circuit_opened", circuit=self._name)

    def close(self) -> None:
        """Let calls through again, on trial."""
        with self._lock:
            if self._open:
                self._open = False
                self._turn += 1
                self._failures = FAILURES_TO_OPEN - 1
                self._is_well = self._prober = None
                log.info("circuit_closed", circuit=self._name)

    def _start_prober(self) -> None:
        """Start the thread that closes the circuit; it ends then, and with the process."""
        self._prober = threading.Thread(
            target=self._probe,
            args=[self._turn, self._is_well],
            daemon=True,
            name=f"circuit-{self._name}",
        )
        # Where none can be started now, the next call that is refused tries again.
        with contextlib.suppress(RuntimeError):
            self._prober.start()

    def _probe(self, turn: int, is_well: Callable[[], bool]) -> None:
        while self._is_open_in(turn):
            time.sleep(PROBE_SECONDS)
            if self._is_open_in(turn) and is_well():
                self.close()

    def _is_open_in(self, turn: int) -> bool:
        return self._open and self._turn == turn


_circuits: dict[str, Circuit] = {}


def of(name: str) -> Circuit:
    """Return the circuit breaker of a service."""
    found = _circuits.get(name)
    return _circuits.setdefault(name, Circuit(name)) if found is None else found


def states() -> dict[str, str]:
    """Return the state of each service's circuit by name: closed or open."""
    return {
        name: "open" if circuit.is_open else "closed"
        for name, circuit in sorted(_circuits.copy().items())
    }


def forget() -> None:
    """Close every circuit and forget what failed, as in a new process."""
    for circuit in _circuits.values():
        circuit.close()
    _circuits.clear()
