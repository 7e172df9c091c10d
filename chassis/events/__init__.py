"""Events: declared as frozen dataclasses, published through the outbox, handled through the inbox."""

from chassis.events.declarations import AwareDatetime, Order, consumes, event, handles
from chassis.events.outbox import publish, publish_all

__all__ = ["AwareDatetime", "Order", "consumes", "event", "handles", "publish", "publish_all"]
