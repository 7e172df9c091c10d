"""What a transfer under way is watched by: heartbeat and progress for people, and the word to stop."""

import threading
from collections.abc import Callable
from typing import Any, Final, Self

import structlog
from django.db import connection

from apps.catalog_service.models import Transfer
from apps.catalog_service.services.importing import Refusal
from apps.catalog_service.services.transfers import claiming
from apps.catalog_service.services.transfers.claiming import Lost
from chassis.database import is_unavailable

BEAT_SECONDS: Final = 1.0
_KEPT_REFUSALS: Final = 100

log = structlog.get_logger()


class Stopped(Exception):
    """The process was told to stop, and the transfer can be taken up again by another one."""


class Watch:
    """Is told how a transfer goes on, as the Listener of an import, and tells everybody else.

    A thread of its own writes once a second, on a connection of its own: what the transfer does in a
    long transaction or statement is no silence, and progress is seen before its end.
    """

    def __init__(self, transfer: Transfer, is_stopping: Callable[[], bool]) -> None:
        """Begin with what an earlier attempt has left to be told."""
        self.refusals: list[dict[str, Any]] = list(transfer.refusals)
        self._transfer = transfer
        self._is_stopping = is_stopping
        self._progress = self._total = self._size = 0
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_ended, daemon=True, name="transfer")

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write no more."""
        self._ended.set()
        self._thread.join()

    # The Listener of an import: reading is the first half, applying the second

    def read(self, position: int, size: int) -> None:
        """So many of the file's bytes are read."""
        self._size = size
        self.tell(position, 2 * size)

    def applied(self, rows: int, total: int) -> None:
        """So many of the rows are applied."""
        self.tell(self._size + self._size * rows // max(total, 1), 2 * self._size)

    def refused(self, refusal: Refusal) -> None:
        """A row is left out."""
        if len(self.refusals) < _KEPT_REFUSALS:
            self.refusals.append({"row": refusal.number, "reason": refusal.reason})

    def tell(self, progress: int, total: int) -> None:
        """Take how far it is.

        Raises:
            Stopped: it should end now.
            Lost: it is no longer this worker's.
        """
        self._progress, self._total = progress, total
        if self._lost:
            raise Lost
        if self._is_stopping():
            raise Stopped

    def _beat_until_ended(self) -> None:
        try:
            while not self._lost and not self._ended.wait(BEAT_SECONDS):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            claiming.beat(self._transfer, progress=self._progress, total=self._total)
        except Lost:
            self._lost = True
        except Exception as error:
            # Whoever waits for a heartbeat takes over in the end.
            if not is_unavailable(error):
                self._lost = True
                raise
            log.warning("transfer_heartbeat_failed", error=str(error))
            connection.close()
