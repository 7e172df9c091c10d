"""Celery on Redis: one durable queue per service, a task that delivers events, and the service's own.

Redis is transport, never truth: what it loses, the outbox still holds, or the row of a task.
"""

import time
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Celery
from celery.exceptions import Reject
from celery.worker import state
from django.conf import settings
from django.db import close_old_connections
from kombu import Queue
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from chassis import context, jobs, work
from chassis.database import UNAVAILABLE, is_unavailable
from chassis.events import dead_letters, inbox

DELIVER: Final = "souk.deliver"
VISIBILITY_TIMEOUT_SECONDS: Final = 90
"""How long Redis waits for an acknowledgement before it delivers again; statements end after 30 s."""
RESTORE_SECONDS: Final = 5
"""How often each worker looks for messages that were not acknowledged in time."""
LONGEST_SECONDS: Final = 30
"""After this long none of a message's events is begun any more."""
PAUSE_SECONDS: Final = 1.0
"""How long an event waits before it goes back to the queue for want of a database."""
AGAIN_SECONDS: Final = 10
MESSAGE_SECONDS: Final = 60
"""How often a task's message is sent while its row waits, and how long each is good for."""

log = structlog.get_logger()


def queue_of(service: str) -> str:
    """Return the name of a service's queue."""
    return f"souk.{service}"


# Without Celery's own Django fixup, which runs every system check and so loads the whole API.
app = Celery("souk", fixups=[])
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "unacked_restore_interval": RESTORE_SECONDS,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
        "socket_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 5,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_queues=[Queue(queue_of(settings.SERVICE), durable=True)],
    task_default_queue=queue_of(settings.SERVICE),
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


@app.task(name=DELIVER)
def deliver(*messages: dict[str, Any]) -> None:
    """Put events through the inbox, one after the other; while the database is unwell all go back.

    Those that were handled before are passed over when they come again. So a message whose events
    take long goes back too, and is gone on with in its turn.
    """
    ends = time.monotonic() + LONGEST_SECONDS
    failures = []
    try:
        for message in messages:
            if time.monotonic() > ends:
                raise Reject("its events take long", requeue=True)
            try:
                inbox.receive(message)
            except inbox.Refused as error:
                dead_letters.refuse(message, reason=str(error))
            except UNAVAILABLE:
                raise
            except Exception as error:  # noqa: BLE001 -- it is raised once the others have had their turn
                failures.append(error)
    except UNAVAILABLE as error:
        log.warning("event_returned", error=str(error))
        time.sleep(PAUSE_SECONDS)
        raise Reject(error, requeue=True) from error
    finally:
        close_old_connections()
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
    """Put events on a service's queue as one message, through the default exchange."""
    app.send_task(
        DELIVER,
        args=messages,
        queue=queue_of(service),
        task_id=messages[0]["id"],
        producer=with_producer,
        retry=False,
        ignore_result=True,
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
        close_old_connections()
        with context.running(request_id=None, traceparent=None):
            try:
                task.run(UUID(row_id), is_stopping)
            except Exception as error:
                if is_unavailable(error):
                    log.warning("task_put_off", task=task.name, row=row_id, error=str(error))
                else:
                    log.exception("task_failed", task=task.name, row=row_id)
            finally:
                close_old_connections()

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
        app.send_task(
            name,
            args=[str(row_id)],
            queue=queue_of(settings.SERVICE),
            producer=own,
            retry=False,
            ignore_result=True,
            expires=MESSAGE_SECONDS,
        )
    finally:
        own.connection.release()
