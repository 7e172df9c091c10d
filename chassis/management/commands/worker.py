"""Handle the events that other services publish to this one, and do the service's own background work."""

import socket
import sys
import warnings
from typing import Any, Final

from celery import bootsteps, signals
from celery.exceptions import SecurityWarning
from django.conf import settings
from django.core.management.base import BaseCommand

from chassis import database, heartbeat
from chassis.queue import add_tasks, app

_BEAT_SECONDS: Final = 2.0


class Heartbeat(bootsteps.StartStopStep):
    """Touches the health file from the loop that consumes, so that it ages when the loop stands still."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Begin without a timer."""
        super().__init__(parent, **options)
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        """Begin with every new connection to the broker."""
        heartbeat.beat()
        self._timer = parent.timer.call_repeatedly(_BEAT_SECONDS, heartbeat.beat)

    def stop(self, parent: Any) -> None:
        """End with the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _leave_logging_alone(**_: Any) -> None:
    """Do nothing, on purpose."""


class Command(BaseCommand):
    """A Celery worker with the service's queue and the options that keep events safe."""

    help = "Handle the events on the service's queue, until stopped."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker; SIGTERM lets the events under way end first."""
        database.use_pool()
        # With a receiver here Celery leaves logging as the service configured it.
        signals.setup_logging.connect(_leave_logging_alone)
        # Celery fears pickled messages for a worker that runs as root; ours takes JSON alone.
        warnings.simplefilter("ignore", SecurityWarning)
        app.steps["consumer"].add(Heartbeat)
        own_tasks = add_tasks()
        worker = app.Worker(
            pool="threads",
            # A task of the service's own may take minutes, and must not hold up events.
            concurrency=settings.WORKER_THREADS + own_tasks,
            hostname=f"{settings.SERVICE}@{socket.gethostname()}",
            quiet=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        try:
            worker.start()
        finally:
            heartbeat.end()
        sys.exit(worker.exitcode)
