"""Serve the API."""

import ctypes
import gc
import os
import signal
import sys
from typing import Any, Final

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from chassis import background, database, draining, metrics, reads, tracing
from chassis.commands import ServiceCommand

KEEPALIVE_SECONDS: Final = 75
"""Above the gateway's idle time, or a POST on a connection just closed meets a 502."""


HEADER_BYTES: Final = 40_960
"""More than the gateway lets through (gateway/traefik.env), which refuses longer ones."""
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


class StructuredLogger(Logger):
    """Hands gunicorn's lines to the service's own logging."""

    def setup(self, cfg: Any) -> None:
        """Set what gunicorn sets, but for its own handlers and form."""
        super().setup(cfg)
        self.error_log.propagate = True


def _before_fork(arbiter: Any, worker: Any) -> None:
    """Share the loaded application with the worker, and nothing of the database."""
    if any(handle.connection is not None for handle in connections.all(initialized_only=True)):
        raise RuntimeError("a database connection was opened before the fork")
    gc.collect()
    gc.freeze()


def _after_fork(arbiter: Any, worker: Any) -> None:
    """Let the worker die with its master, where the system can (Linux).

    A worker that outlived a killed master would keep the port for as long as its requests and kept
    connections last, and the next master could not listen.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != arbiter.pid:  # it died in between
            os.kill(os.getpid(), signal.SIGKILL)


class Master(Arbiter):
    """Goes on serving after SIGTERM, while it tells that it is not ready (chassis.draining); a second one ends that."""

    def handle_term(self) -> None:
        """Begin to drain, or stop where that is under way or not wanted."""
        if draining.is_under_way() or not settings.DRAIN_SECONDS:
            super().handle_term()
        draining.begin()

    def wait_for_signals(self, timeout: float | None = 1.0) -> list[int]:
        """Return the signals that came within the time, in seconds; stop when it is drained."""
        if draining.is_under_way():
            timeout = min(1.0, draining.seconds_left(settings.DRAIN_SECONDS))
            if timeout <= 0:
                super().handle_term()
        signals: list[int] = super().wait_for_signals(timeout)
        return signals


def _start(worker: Any) -> None:
    """Begin what runs beside the requests: in the worker, as a fork takes no threads along."""
    tracing.start("web")
    background.start()


class Server(BaseApplication):
    """gunicorn: a master, and one worker with threads. More processes are more replicas behind the gateway."""

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        options = {
            "bind": settings.BIND,
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.WEB_THREADS,
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": 30,
            "timeout": 60,
            "preload_app": True,  # loaded once, in memory that master and worker share
            "pre_fork": _before_fork,
            "post_fork": _after_fork,
            # The gateway bounds all headers together; a longer one never comes.
            "limit_request_line": 0,
            "limit_request_field_size": HEADER_BYTES,
            "post_worker_init": _start,
            "pre_request": lambda _worker, request: draining.note_request(request.path),
            "worker_exit": lambda _arbiter, _worker: tracing.stop(),
            "control_socket_disable": True,
            "logger_class": StructuredLogger,
            "loglevel": "warning",
            "errorlog": None,  # no handler of gunicorn's own
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until stopped; raise SystemExit with the exit code."""
        Master(self).run()

    def load(self) -> Any:
        """Return the WSGI application with everything imported that a request needs."""
        application: Any = get_wsgi_application()
        _ = get_resolver().url_patterns
        return reads.in_front_of(application)


class Command(ServiceCommand):
    """A gunicorn master, in this process, with one worker process."""

    help = "Serve the API on BIND, until stopped."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the server; SIGTERM lets the requests under way end first."""
        database.use_pool()
        metrics.describe("web")
        Server().run()
