"""The spans of an event's way: created with the change that it tells of, sent by the relay, processed by each handler.

Named as OpenTelemetry's semantic conventions for messaging say. The destination is the event's type:
to which queues it goes its publisher declares.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from chassis import context, tracing
from chassis.context import RequestContext
from chassis.events.envelope import Envelope
from chassis.models import OutboxEvent
from chassis.tracing import Sketch


@contextlib.contextmanager
def creating(parameters: dict[str, Any], *, count: int = 1) -> Iterator[None]:
    """Write events in a span of their own, whose traceparent goes with them.

    Args:
        parameters: of the statement that writes them; of one alone they hold its `id`.
        count: how many there are.
    """
    sketch = None
    if tracing.is_on():
        told = (
            {"messaging.message.id": str(parameters["id"])}
            if "id" in parameters
            else {"messaging.batch.message_count": count}
        )
        sketch = _sketch(tracing.PRODUCER, "create", parameters["type"], **told)
    with context.telling(sketch) as span:
        if span is not None:
            parameters["traceparent"] = span.traceparent
        yield


def tell_sent(rows: Sequence[OutboxEvent], *, started: int) -> None:
    """Tell, in each event's own trace, that it was sent: a message may hold those of several.

    Args:
        rows: the events.
        started: when sending them began, in nanoseconds of Unix time.
    """
    for row in rows if tracing.is_on() else ():
        sketch = _sketch(
            tracing.PRODUCER, "send", row.type, **{"messaging.message.id": str(row.id)}
        )
        span = tracing.begin(sketch, context.parent_of(row.traceparent), started=started)
        if span is not None:
            span.set("souk.request_id", row.request_id)
            span.end()


def processing(
    received: Envelope, consumer: str
) -> contextlib.AbstractContextManager[RequestContext]:
    """Run the block in the event's trace, as a span of its own for each who handles it."""
    sketch = None
    if tracing.is_on():
        told = {"messaging.message.id": str(received.id), "messaging.consumer.group.name": consumer}
        sketch = _sketch(tracing.CONSUMER, "process", received.type, **told)
    return context.running(
        request_id=received.requestid, traceparent=received.traceparent, sketch=sketch
    )


def _sketch(kind: str, operation: str, name: str, **told: tracing.Value) -> Sketch:
    attributes = {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": name,
        **told,
    }
    return Sketch(f"{operation} {name}", kind, attributes)
