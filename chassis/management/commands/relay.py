"""Carry the service's events from its outbox to the queues."""

import signal
from typing import Any

from chassis import database, heartbeat, metrics, tracing, watchdog
from chassis.commands import ServiceCommand
from chassis.events.relay import Relay


class Command(ServiceCommand):
    """Runs until SIGTERM or SIGINT; a second one of a service stands by."""

    help = "Publish the outbox's events and run the timed jobs, until stopped. A second relay stands by."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the relay."""
        database.use_pool()  # for the timed jobs, which run in threads
        metrics.serve("relay")
        tracing.start("relay")
        relay = Relay(beat=heartbeat.beat)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop())
        watchdog.start(watchdog.RelayWatch(lambda: relay.turns).look, event="relay_stalled")
        try:
            relay.run()
        finally:
            tracing.stop()
            heartbeat.end()
