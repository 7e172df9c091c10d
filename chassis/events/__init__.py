"""Events: declared as frozen dataclasses, published through the outbox, handled through the inbox."""

from chassis.events.declarations import consumes, event, handles
from chassis.events.outbox import publish, publish_all

__all__ = ["consumes", "event", "handles", "publish", "publish_all"]
