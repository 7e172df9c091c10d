"""Ends a process that lives and no longer does its work, so that whatever looks after it starts it anew.

Nothing is lost by that: the truth is in PostgreSQL. A process counts its own looks, and no time: one
that was stopped and goes on, or that hardly gets the CPU, is not taken for one that hangs.
"""

import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from django.conf import settings

from chassis import heartbeat, queues

LOOKS: Final = 10
"""So often in a row a worker must be seen to hang: 20 s."""
LOOKS_RELAY: Final = 30
"""So often in a row a relay must be seen not to turn: 60 s, and no statement takes more than 30 s."""

_LAST_WORDS_SECONDS: Final = 5
_MAIN: Final = threading.main_thread()

log = structlog.get_logger()


class _Repeats:
    """Counts how often in a row the same was seen."""

    def __init__(self) -> None:
        self._seen: object = None
        self._times = 0

    def see(self, value: object) -> int:
        """Return how often it was seen again; None is never the same."""
        self._times = self._times + 1 if value is not None and value == self._seen else 0
        self._seen = value
        return self._times


class WorkerWatch:
    """Tells whether a worker hangs: its loop stands still, or it takes none of the messages that wait.

    Workers do the latter now and then after the broker was away (celery#8030, #8091, #10205), and
    look well all the while. Without an answer from the broker nothing is told: to wait for it is right.
    """

    def __init__(self, *, names: Sequence[str], threads: int) -> None:
        """Begin.

        Args:
            names: of the queues that it empties.
            threads: how many messages it takes at once.
        """
        self._names = names
        self._threads = threads
        self._turns = 0
        self._still = _Repeats()
        self._untaken: dict[str, _Repeats] = {name: _Repeats() for name in names}

    def turn(self) -> None:
        """Note that the loop turns; that is, that it is connected."""
        self._turns += 1

    def look(self, *, taken: int, under_way: int, is_stopping: bool) -> str | None:
        """Return why it hangs, None while it does not, or may not.

        Args:
            taken: how many messages it has ever taken.
            under_way: how many of them it has not done with.
            is_stopping: whether it was told to stop; then it takes none, and has its time to end.
        """
        waiting = None if is_stopping else queues.next_messages(self._names)
        if waiting is None:
            self._forget()
            return None
        if self._still.see(self._turns) >= LOOKS:
            return "its loop stands still"
        has_room = under_way < self._threads
        for name, message in zip(self._names, waiting, strict=True):
            seen = (taken, message) if has_room and message is not None else None
            if self._untaken[name].see(seen) >= LOOKS:
                return f"it takes no message from {name}"
        return None

    def _forget(self) -> None:
        for repeats in (self._still, *self._untaken.values()):
            repeats.see(None)


class RelayWatch:
    """Tells whether a relay hangs. It would keep the lock, so that none that stands by takes over."""

    def __init__(self, turns: Callable[[], int]) -> None:
        """Begin; `turns` returns how often its loop has turned."""
        self._turns = turns
        self._still = _Repeats()

    def look(self) -> str | None:
        """Return why it hangs, None while it does not."""
        return "its loop stands still" if self._still.see(self._turns()) >= LOOKS_RELAY else None


def start(look: Callable[[], str | None], *, event: str) -> None:
    """Look every WATCHDOG_SECONDS, in a thread; end the process at the first reason that is returned.

    Args:
        look: returns why the process hangs.
        event: what is logged then.
    """

    def watch() -> None:
        while True:
            time.sleep(settings.WATCHDOG_SECONDS)
            try:
                reason = look()
            except Exception:
                log.exception("watchdog_failed")
                continue
            if reason is not None:
                end_process(event, reason)

    threading.Thread(target=watch, daemon=True, name="watchdog").start()


def end_process(event: str, reason: str) -> None:
    """Say why, and where the main thread is; end at once, with exit code 1."""
    # The thread that hangs may hold a lock that logging needs.
    faulthandler.dump_traceback_later(_LAST_WORDS_SECONDS, exit=True)
    log.error(event, reason=reason, at=_where_main_is())
    heartbeat.end()
    os._exit(1)


def _where_main_is() -> str:
    frames: dict[int, Any] = sys._current_frames()  # noqa: SLF001 -- public but for its name
    frame = frames.get(_MAIN.ident or 0)
    return "".join(traceback.format_stack(frame)[-5:]) if frame else ""
