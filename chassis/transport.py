"""Celery's way to the broker, for messages that whoever may write to a queue may have forged.

kombu and Celery believe what a message says of itself: which queue it goes back to, by which tag it is
acknowledged, how its body is to be unpacked, which tasks are sent after it, in this worker's name.
So of each message the task and its arguments are kept, where its queue may ask for that task, and
all else is written anew before kombu sees it. What is no such message becomes one that asks for
`REFUSE`. The queue itself is what the broker says, and a broker's users write to their own alone.
"""

import base64
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

import msgspec
import structlog
from django.conf import settings
from kombu.transport import redis as kombu
from kombu.transport import virtual
from redis import Redis
from redis.exceptions import ExecAbortError, OutOfMemoryError

from chassis import work
from chassis.events.dead_letters import LONGEST_MESSAGE
from chassis.queues import queue_of

DELIVER: Final = "souk.deliver"
"""Takes one argument: a list of envelopes, as JSON. Any service may ask for it."""
REFUSE: Final = "souk.refuse"
"""Takes two: a text that is no message of ours, and why."""
LONGEST_BYTES: Final = 4 * 1024 * 1024
"""A message of ours holds ten events, of a few kilobytes each."""


_FULL: Final = (OutOfMemoryError, ExecAbortError)
"""What a broker without room for it answers to a transaction, before it is sent whole or after."""

log = structlog.get_logger()


class _Headers(msgspec.Struct):
    task: str
    expires: datetime | None = None


class _Message(msgspec.Struct):
    body: str
    headers: _Headers
    content_type: Literal["application/json"] = msgspec.field(name="content-type")


_message: Final = msgspec.json.Decoder(_Message)
_body: Final = msgspec.json.Decoder(tuple[list[str], msgspec.Raw, msgspec.Raw])


class _Foreign(ValueError):
    """A message asks for a task that is not for its queue."""


def rebuild(queue: str, text: bytes) -> bytes:
    """Return a message that is safe to handle: the one in the text, or one that refuses it.

    Args:
        queue: the list that the text was taken from.
        text: whatever its sender put there.
    """
    try:
        if len(text) > LONGEST_BYTES:
            raise _Foreign(f"a message of {len(text)} bytes")
        message = _message.decode(text)
        arguments, _, _ = _body.decode(base64.b64decode(message.body, validate=True))
    except (ValueError, RecursionError) as error:
        return _refusal(queue, text, str(error))
    task = message.headers.task
    if _arity(queue).get(task) == len(arguments):
        # An own task's message is good for a while only; an event's for ever.
        return _written(
            queue, task, arguments, (task != DELIVER and message.headers.expires) or None
        )
    # Without what differs each time it comes, so that it is the same dead letter.
    asked = msgspec.json.encode({"task": task, "args": arguments})
    return _refusal(queue, asked, f"{queue} takes no {task} of {len(arguments)} arguments")


def _arity(queue: str) -> dict[str, int]:
    """Return the tasks that a queue's messages may ask for, with the number of their arguments."""
    tasks = {DELIVER: 1, REFUSE: 2}
    if queue == queue_of(settings.SERVICE, settings.SERVICE):
        tasks |= dict.fromkeys(work.registered(), 1)
    return tasks


def _refusal(queue: str, text: bytes, reason: str) -> bytes:
    kept = text[:LONGEST_MESSAGE].decode(errors="backslashreplace")
    return _written(queue, REFUSE, [kept, reason])


def _written(
    queue: str, task: str, arguments: Iterable[str], expires: datetime | None = None
) -> bytes:
    tag = str(uuid4())
    body = msgspec.json.encode([arguments, {}, {}])
    return msgspec.json.encode(
        {
            "body": base64.b64encode(body).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": tag, "expires": expires},
            "properties": {
                "body_encoding": "base64",
                "delivery_tag": tag,
                "delivery_info": {"exchange": "", "routing_key": queue},
            },
        }
    )


class Client(Redis):
    """Gives kombu no message but a rebuilt one."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """Return the broker's answer."""
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name == "BRPOP" and answer:
            queue, text = answer
            return queue, rebuild(queue.decode(), text)
        return answer


class QoS(kombu.QoS):
    """Puts back what was not acknowledged in time, without the lock that kombu frees by a script.

    It needs none: each message is put back in a transaction, which one of two workers wins. And a
    service that may run scripts may stop the broker for everybody.
    """

    def append(self, message: Any, delivery_tag: str) -> None:
        """Keep a message until it is acknowledged; of a broker that is full, in this process alone.

        There it cannot be put back, so it is handled; should the process die, the repair brings it.
        """
        try:
            super().append(message, delivery_tag)
        except _FULL:
            log.warning("broker_full")
            virtual.QoS.append(self, message, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 -- kombu's
        """Put a message back on its queue; where the broker is full, once its time is over."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except _FULL:
            log.warning("broker_full")
            virtual.QoS.ack(self, delivery_tag)

    def restore_visible(self, start: int = 0, num: int | None = None, interval: int = 1) -> None:
        """Put them back."""
        before = time.time() - self.visibility_timeout
        channel: Any = self.channel  # celery-types knows little of it
        with channel.conn_or_acquire() as client:
            for tag in client.zrange(self.unacked_index_key, 0, before, byscore=True):
                self.restore_by_tag(tag, client)


class Channel(kombu.Channel):
    """Writes nothing but the queue's list: no exchange, whose bindings all services would share."""

    QoS = QoS

    _client: Client | None = None

    def _get_client(self) -> type[Client]:
        return Client

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 -- kombu's
        """Return the client of the connections there are; kombu makes one for each command."""
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[misc]
        if self._client is None or self._client.connection_pool is not self.pool:
            self._client = super()._create_client()  # type: ignore[misc]
        return self._client

    def _queue_bind(self, *_: Any) -> None:
        """Do nothing: a message is sent to the queue it names."""


class Transport(kombu.Transport):
    """Is named to Celery as `broker_transport`."""

    Channel = Channel
