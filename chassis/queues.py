"""The queues by name, and what waits in them. Without Celery: web processes ask, and load none.

One list of Redis for each consumer and producer, so that the broker knows who may write to it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

_SECONDS: Final = 0.5
"""A broker that does not answer within it is told of as one that does not answer."""

log = structlog.get_logger()


def queue_of(consumer: str, producer: str) -> str:
    """Return the name of the queue that one service writes to and another one empties."""
    return f"souk.{consumer}.{producer}"


def producer_of(queue: str) -> str:
    """Return the service that writes to a queue."""
    return queue.rpartition(".")[2]


def own_queues() -> list[str]:
    """Return the names of the queues that this service's worker empties: one for each producer."""
    return [queue_of(settings.SERVICE, producer) for producer in settings.SERVICES]


def length(names: Sequence[str]) -> int | None:
    """Return how many messages wait in some queues, None where the broker does not answer."""
    lengths = _ask(lambda pipeline: [pipeline.llen(name) for name in names])
    return None if lengths is None else sum(lengths)


def next_messages(names: Sequence[str]) -> list[bytes | None] | None:
    """Return the message of each queue that is taken next, None where the broker does not answer."""
    return _ask(lambda pipeline: [pipeline.lindex(name, -1) for name in names])


def _ask(put: Callable[[Any], object]) -> list[Any] | None:
    """Return the answers to what is put into a pipeline, on a connection made for it, in one attempt."""
    broker = Redis.from_url(
        settings.BROKER_URL,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        pipeline = broker.pipeline(transaction=False)
        put(pipeline)
        return list(pipeline.execute())
    except ResponseError as error:
        # It answers, and not as it should: such as one whose rights lack a command.
        log.warning("queues_not_read", error=str(error))
        return None
    except (RedisError, OSError):
        return None
    finally:
        broker.close()
