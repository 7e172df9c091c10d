"""The broker as its administrator sees it: messages are taken off the queues, changed and put back."""

import base64
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import uuid4

import redis

from tests.system.platform import Platform, wait_until

_QUEUES: Final = "souk.*.*"
Message = dict[str, Any]


@contextlib.contextmanager
def administered(platform: Platform) -> Iterator["redis.Redis"]:
    """Give a connection that may do everything."""
    url = platform.row("platform", "redis")["url"]
    with redis.Redis.from_url(url, socket_timeout=10) as client:
        yield client


def queues(client: "redis.Redis") -> list[str]:
    """Return the queues that hold messages."""
    return sorted(key.decode() for key in client.scan_iter(_QUEUES, _type="LIST"))


def take(client: "redis.Redis", queue: str) -> list[Message]:
    """Take every message off a queue; return them, the one to be handled next first."""
    with client.pipeline() as pipeline:  # one transaction: none is lost in between
        pipeline.lrange(queue, 0, -1)
        pipeline.delete(queue)
        texts, _ = pipeline.execute()
    return [json.loads(text) for text in reversed(texts)]


def put(client: "redis.Redis", queue: str, messages: Iterable[Message]) -> None:
    """Put messages on a queue, behind those that are there."""
    texts = [json.dumps(message) for message in messages]
    if texts:
        client.lpush(queue, *texts)


def events_in(message: Message) -> list[Message]:
    """Return the events of a message."""
    (text,), _, _ = json.loads(base64.b64decode(message["body"]))
    events: list[Message] = json.loads(text)
    return events


def with_events(message: Message, events: Iterable[Message]) -> Message:
    """Return a message like another one, with other events and a tag of its own."""
    body = json.dumps([[json.dumps(list(events))], {}, {}])
    tag = str(uuid4())
    return {
        **message,
        "body": base64.b64encode(body.encode()).decode(),
        "headers": {**message["headers"], "id": tag},
        "properties": {**message["properties"], "correlation_id": tag, "delivery_tag": tag},
    }


def waiting(client: "redis.Redis", event_id: str) -> int:
    """Return how many messages in the queues hold an event."""
    texts = [text for queue in queues(client) for text in client.lrange(queue, 0, -1)]
    return sum(
        event_id in {event["id"] for event in events_in(json.loads(text))}
        for text in texts
        if json.loads(text)["headers"]["task"] == "souk.deliver"
    )


def wipe(platform: Platform) -> None:
    """Kill the broker; it is back with an empty directory."""
    pid = platform.row("platform", "redis")["pid"]
    folder = platform.home / "data" / "redis"
    gone = folder.with_name("redis.gone")
    folder.rename(gone)  # the broker keeps the folder that it has open, whatever its name
    folder.mkdir(mode=0o700)
    os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: platform.row("platform", "redis")["state"] == "running",
        seconds=20,
        what="the broker back",
    )
    shutil.rmtree(gone)
