"""A file that a process touches while it is well, for whoever watches it."""

import contextlib
from pathlib import Path

from django.conf import settings


def beat() -> None:
    """Touch the health file, if one is set."""
    if settings.HEALTH_FILE:
        Path(settings.HEALTH_FILE).touch()


def end() -> None:
    """Take the health file away, if one is set."""
    if settings.HEALTH_FILE:
        with contextlib.suppress(FileNotFoundError):
            Path(settings.HEALTH_FILE).unlink()
