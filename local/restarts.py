"""Count how often supervisord started each process: it does not say by itself.

Loaded into supervisord as an RPC interface (`[rpcinterface:souk]` in its configuration), where
it listens to supervisord's own events; no further process is needed.
"""

from collections import Counter
from typing import Any

from supervisor import events


class RestartCounter:
    """The XML-RPC namespace `souk`."""

    def __init__(self) -> None:
        """Listen from now on."""
        self._starts: Counter[str] = Counter()
        events.subscribe(events.ProcessStateStartingEvent, self._count)

    def getRestarts(self) -> dict[str, int]:  # noqa: N802 - RPC methods are named so
        """Return how often each process was started again, by name."""
        return {name: starts - 1 for name, starts in self._starts.items()}

    def _count(self, event: Any) -> None:
        self._starts[event.process.config.name] += 1


def make_interface(_supervisord: Any, **_options: str) -> RestartCounter:
    """Return the interface; supervisord calls this once, after it made its process groups."""
    return RestartCounter()
