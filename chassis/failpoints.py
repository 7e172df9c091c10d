"""Failpoints: a process that ends itself after its Nth step, so that tests see what any death leaves.

A step is whatever others can see of a process: a statement, a COMMIT or ROLLBACK, the answer of
another service, a mail that went out. Only a test arms them, and only where settings.FAILPOINTS
allows it. No environment variable does; while nothing is armed a statement costs nothing more.
"""

import os
import signal
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.db import connection

LONGEST_NAME: Final = 80
"""Characters of a statement that its step is named by."""


class Forbidden(Exception):
    """A process was to be armed whose settings do not allow it."""


class _Countdown:
    """Counts steps, tells each, and ends the process after the last."""

    def __init__(self, steps: int, tell: Callable[[str], object]) -> None:
        self._left = steps
        self._tell = tell

    def step(self, name: str) -> None:
        self._tell(name)
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)  # no handler, no `finally`, no goodbye to anybody


_countdown: _Countdown | None = None


def arm(*, after: int, tell: Callable[[str], object]) -> None:
    """Let this process end itself, by SIGKILL, after so many steps from now.

    Statements of the calling thread alone are steps: arm the thread that does the work. There is no
    way back.

    Args:
        after: how many steps, at least one.
        tell: hears the name of each step once it is done, the last one too.

    Raises:
        Forbidden: settings.FAILPOINTS is off.
    """
    global _countdown  # noqa: PLW0603 -- of the whole process
    if not settings.FAILPOINTS:
        raise Forbidden("settings.FAILPOINTS is off: nothing may end this process")
    if after < 1:
        raise ValueError(f"{after} steps: a process ends after one or more")
    _countdown = _Countdown(after, tell)
    connection.execute_wrappers.append(_run_statement)


def step(name: str) -> None:
    """Note that a step is done; where it is the last one, the process ends here."""
    if _countdown is not None:
        _countdown.step(name)


def _run_statement(
    execute: Callable[..., Any], statement: Any, parameters: Any, *options: Any
) -> Any:
    """Run a statement of Django's cursors, or of `chassis.database.fetch`; a failed one is a step too."""
    try:
        return execute(statement, parameters, *options)
    finally:
        step(" ".join(str(statement).split())[:LONGEST_NAME])
