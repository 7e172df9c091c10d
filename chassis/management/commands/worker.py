"""Handle the events that other services publish to this one, and do the service's own background work."""

import logging
import os
import socket
import sys
import warnings
from functools import partial
from typing import Any, Final

from celery import bootsteps, signals
from celery.apps import worker as celery_worker
from celery.exceptions import SecurityWarning
from celery.worker import state
from django.conf import settings

from chassis import database, heartbeat, metrics, queues, tracing, watchdog
from chassis.commands import ServiceCommand
from chassis.events.repair import Sweeper
from chassis.queue import add_tasks, app, is_stopping

_BEAT_SECONDS: Final = 2.0


class Heartbeat(bootsteps.StartStopStep):
    """Touches the health file from the loop that consumes, so that it ages when the loop stands still.

    A worker that stays so, or takes no messages, is ended (chassis.watchdog).
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Begin without a timer; one is made for the life of the worker."""
        super().__init__(parent, **options)
        self._timer: Any = None
        self._watch: watchdog.WorkerWatch | None = None

    def start(self, parent: Any) -> None:
        """Begin with every new connection to the broker."""
        if self._watch is None:
            threads = parent.controller.concurrency
            self._watch = watchdog.WorkerWatch(names=queues.own_queues(), threads=threads)
            watchdog.start(partial(_look, self._watch), event="worker_stalled")
        self._beat()
        self._timer = parent.timer.call_repeatedly(_beat_seconds(), self._beat)

    def stop(self, parent: Any) -> None:
        """End with the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        heartbeat.beat()
        if self._watch is not None:
            self._watch.turn()


def _look(watch: watchdog.WorkerWatch) -> str | None:
    return watch.look(
        taken=state.all_total_count[0],
        under_way=len(state.reserved_requests),
        is_stopping=is_stopping(),
    )


def _beat_seconds() -> float:
    seconds: float = settings.WATCHDOG_SECONDS
    return min(_BEAT_SECONDS, seconds)


def _say(text: str, *_: Any) -> None:
    """Write what Celery says of a signal in the form of all other lines.

    In the signal's handler: it may have come while a line was being written, so nothing here takes
    the lock or the buffer of that.
    """
    line = logging.LogRecord("celery.worker", logging.INFO, "", 0, text.strip(), None, None)
    for handler in logging.getLogger().handlers:
        os.write(2, f"{handler.format(line)}\n".encode())


def _leave_logging_alone(**_: Any) -> None:
    """Do nothing, on purpose."""


class Command(ServiceCommand):
    """A Celery worker with the service's queue and the options that keep events safe."""

    help = "Handle the events on the service's queue, until stopped."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker; SIGTERM lets the events under way end first."""
        database.use_pool()
        # With a receiver here Celery leaves logging as the service configured it.
        signals.setup_logging.connect(_leave_logging_alone)
        celery_worker.safe_say = _say  # type: ignore[attr-defined]  # its stubs lack it
        # Celery fears pickled messages for a worker that runs as root; ours takes JSON alone.
        warnings.simplefilter("ignore", SecurityWarning)
        app.steps["consumer"].add(Heartbeat)
        metrics.serve("worker")
        tracing.start("worker")
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
        # Beside the worker, which does nothing but wait while the broker is down.
        sweeper = Sweeper(is_stopping=is_stopping)
        sweeper.start()
        try:
            worker.start()
        finally:
            sweeper.stop()
            tracing.stop()
            heartbeat.end()
        sys.exit(worker.exitcode)
