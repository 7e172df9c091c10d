"""Celery on Redis: one durable queue per service, one task that delivers events.

Redis is transport, never truth: what it loses, the outbox still holds.
"""

import time
from typing import Any, Final

import structlog
from celery import Celery
from celery.exceptions import Reject
from django.conf import settings
from django.db import close_old_connections
from kombu import Queue

from chassis.database import UNAVAILABLE
from chassis.events import inbox

DELIVER: Final = "souk.deliver"
VISIBILITY_TIMEOUT_SECONDS: Final = 90
"""How long Redis waits for an acknowledgement before it delivers again; statements end after 30 s."""
PAUSE_SECONDS: Final = 1.0
"""How long an event waits before it goes back to the queue for want of a database."""

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
        "unacked_restore_interval": 1,
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
def deliver(message: dict[str, Any]) -> None:
    """Put an event through the inbox; while the database is unwell it goes back to the queue."""
    try:
        inbox.receive(message)
    except UNAVAILABLE as error:
        log.warning("event_returned", error=str(error))
        time.sleep(PAUSE_SECONDS)
        raise Reject(error, requeue=True) from error
    except inbox.Refused as error:
        log.warning("message_refused", error=str(error))
        raise Reject(error, requeue=False) from error
    finally:
        close_old_connections()


def producer() -> Any:
    """Return a kombu producer on a connection of its own; close it with its connection.

    Publishing is one attempt, bounded by the socket's timeout: an error means "unknown", not "not sent".
    """
    connection = app.connection_for_write()
    connection.ensure_connection(max_retries=1, timeout=2)
    return app.amqp.Producer(connection.default_channel)


def send(message: dict[str, Any], *, service: str, with_producer: Any) -> None:
    """Put an event on a service's queue, through the default exchange."""
    app.send_task(
        DELIVER,
        args=[message],
        queue=queue_of(service),
        task_id=message["id"],
        producer=with_producer,
        retry=False,
        ignore_result=True,
    )
