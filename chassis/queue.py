"""Celery on Redis: a durable queue per consumer and producer, a task that delivers events, and the service's own.

Redis is transport, never truth: what it loses, the outbox still holds, or the row of a task.
"""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from celery import Celery
from celery.app.amqp import AMQP
from celery.exceptions import Reject
from celery.worker import state
from django.conf import settings
from django.db import close_old_connections
from kombu import Connection, Queue
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from chassis import jobs, tracing, work
from chassis.database import UNAVAILABLE
from chassis.events import dead_letters, inbox
from chassis.queues import own_queues, producer_of, queue_of
from chassis.tracing import Sketch
from chassis.transport import DELIVER, REFUSE

VISIBILITY_TIMEOUT_SECONDS: Final = 90
"""How long Redis waits for an acknowledgement before it delivers again; statements end after 30 s."""
RESTORE_SECONDS: Final = 5
"""How often each worker looks for messages that were not acknowledged in time."""
DEEPEST: Final = 64
"""Levels of a message's lists and objects."""
LONGEST_SECONDS: Final = 30
"""After this long none of a message's events is begun any more."""
PAUSE_SECONDS: Final = 1.0
"""How long an event waits before it goes back to the queue for want of a database."""
AGAIN_SECONDS: Final = 10
MESSAGE_SECONDS: Final = 60
"""How often a task's message is sent while its row waits, and how long each is good for."""

log = structlog.get_logger()


class _Connection(Connection):
    """Looks for a broker that is away each two seconds; a worker's pauses grow to 30 s else."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Return itself once it is connected."""
        return super().ensure_connection(
            *args, **{"interval_start": 1, "interval_max": 2, **options}
        )


class _AMQP(AMQP):
    Connection = _Connection


# Without Celery's own Django fixup, which runs every system check and so loads the whole API.
app = Celery("souk", fixups=[], amqp=_AMQP)
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_transport="chassis.transport:Transport",
    broker_transport_options={
        # Of its own, like its queues: no other service may read or change what it has not acknowledged.
        "unacked_key": f"souk.{settings.SERVICE}.unacked",
        "unacked_index_key": f"souk.{settings.SERVICE}.unacked.index",
        "priority_steps": [0],
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "unacked_restore_interval": RESTORE_SECONDS,
        "socket_connect_timeout": 2,
        "socket_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 5,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_queues=[Queue(name, durable=True) for name in own_queues()],
    task_default_queue=queue_of(settings.SERVICE, settings.SERVICE),
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)


@app.task(name=DELIVER, bind=True)
def deliver(task: Any, text: str) -> None:
    """Put events through the inbox: those of a message, as JSON."""
    with _returned_while_unwell():
        sender = _sender(task)
        try:
            receive(*decode(text), producer=sender)
        except inbox.Refused as error:
            dead_letters.refuse(text, reason=str(error), producer=sender)


@app.task(name=REFUSE, bind=True)
def refuse(task: Any, text: str, reason: str) -> None:
    """Keep what is no message as a dead letter (chassis.transport)."""
    with _returned_while_unwell():
        dead_letters.refuse(text, reason=reason, producer=_sender(task))


def _sender(task: Any) -> str:
    """Return the service that sent the message, by the queue that the broker had it in."""
    return producer_of(task.request.delivery_info["routing_key"])


@contextlib.contextmanager
def _returned_while_unwell() -> Iterator[None]:
    """Let the message go back to its queue, after a pause, where the database fails."""
    try:
        yield
    except UNAVAILABLE as error:
        log.warning("event_returned", error=str(error))
        time.sleep(PAUSE_SECONDS)
        raise Reject(error, requeue=True) from error
    finally:
        close_old_connections()


def decode(text: str) -> list[Any]:
    """Return the envelopes of a message; what each holds is for the inbox to judge.

    Raises:
        Refused: the text is no list, or one so deep that what comes after would not get through it.
    """
    try:
        messages: list[Any] = msgspec.json.decode(text, type=list[Any])
    except (ValueError, RecursionError) as error:
        raise inbox.Refused(str(error)) from error
    if _is_deep(messages):
        raise inbox.Refused(f"an event of more than {DEEPEST} levels")
    return messages


def _is_deep(messages: list[Any]) -> bool:
    level: list[Any] = [messages]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def receive(*messages: Any, producer: str) -> None:
    """Put events through the inbox, one after the other; while the database is unwell all go back.

    Those that were handled before are passed over when they come again. So a message whose events
    take long goes back too, and is gone on with in its turn.

    Args:
        messages: envelopes.
        producer: the service whose queue they came from.
    """
    ends = time.monotonic() + LONGEST_SECONDS
    failures = []
    for message in messages:
        if time.monotonic() > ends:
            raise Reject("its events take long", requeue=True)
        try:
            inbox.receive(message, producer=producer)
        except inbox.Refused as error:
            dead_letters.refuse(message, reason=str(error), producer=producer)
        except UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001 -- it is raised once the others have had their turn
            failures.append(error)
    if failures:
        raise failures[0]


def producer() -> Any:
    """Return a kombu producer on a connection of its own; close it with its connection.

    Publishing is one attempt, bounded by the socket's timeout: an error means "unknown", not "not sent".
    """
    connection = app.connection_for_write()
    connection.ensure_connection(max_retries=1, timeout=2)
    return app.amqp.Producer(connection.default_channel)


def send(*messages: dict[str, Any], service: str, with_producer: Any) -> None:
    """Put events on the queue of a service that is for this one's, as one message."""
    text = msgspec.json.encode(messages).decode()
    _put(DELIVER, text, queue=queue_of(service, settings.SERVICE), with_producer=with_producer)


def _put(task: str, argument: str, *, queue: str, with_producer: Any, **headers: Any) -> None:
    """Send a message, in one attempt.

    Not by Celery's send_task, which sends more than is read of it (chassis.transport), and takes longer.
    """
    with_producer.publish(
        [[argument], {}, {}],
        routing_key=queue,
        serializer="json",
        headers={"task": task, "id": str(uuid4()), **headers},
        retry=False,
    )


# A service's own tasks (chassis.work). The relay alone sends them: a web process needs no broker.

_sent: dict[str, tuple[UUID, float]] = {}


def add_tasks() -> int:
    """Let this process's worker run what the service registered; return how many tasks that are.

    Acknowledged when they begin: one that outlived the visibility timeout would be run again beside
    itself.
    """
    for task in work.registered().values():
        app.task(name=task.name, acks_late=False)(_running(task))
    return len(work.registered())


def _running(task: work.Task) -> Any:
    def call(row_id: str) -> None:
        sketch = Sketch(f"task {task.name}", tracing.INTERNAL)
        logger = log.bind(task=task.name, row=row_id)
        with jobs.contained(sketch, logger, put_off="task_put_off", failed="task_failed"):
            task.run(UUID(row_id), is_stopping)

    return call


def is_stopping() -> bool:
    """Tell whether this process's worker was told to stop; Celery notes it as an exit code, 0 too."""
    told: tuple[Any, ...] = (state.should_stop, state.should_terminate)
    return any(code is not None and code is not False for code in told)


@jobs.every(1, name="chassis.wake_workers")
def wake_workers() -> None:
    """Tell a worker of each row that waits: at once when it is new, then every AGAIN_SECONDS.

    What a broker loses, or a worker that dies, is sent again for as long as its row waits.
    """
    for task in work.registered().values():
        row_id = task.waiting()
        if row_id is not None and _is_due(task.name, row_id, time.monotonic()):
            try:
                _wake(task.name, row_id)
            except (BrokerError, RedisError, OSError) as error:
                log.warning("task_not_sent", task=task.name, row=str(row_id), error=str(error))


def _is_due(name: str, row_id: UUID, now: float) -> bool:
    last = _sent.get(name)
    if last is not None and last[0] == row_id and now - last[1] < AGAIN_SECONDS:
        return False
    _sent[name] = (row_id, now)
    return True


def _wake(name: str, row_id: UUID) -> None:
    """Send one message, in one attempt; it ends by itself, so that none pile up without a worker."""
    own = producer()
    try:
        _put(
            name,
            str(row_id),
            queue=queue_of(settings.SERVICE, settings.SERVICE),
            with_producer=own,
            expires=(datetime.now(UTC) + timedelta(seconds=MESSAGE_SECONDS)).isoformat(),
        )
    finally:
        own.connection.release()
