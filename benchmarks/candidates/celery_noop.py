"""Bare Celery on the same broker: a task of the same size that does nothing.

No outbox, so an event whose process dies after the commit is lost; no inbox, so one that comes
twice has its effect twice. BENCH_BROKER_URL names the
broker, BENCH_QUEUE the queue.
"""

import os
from typing import Any

from celery import Celery

from chassis.ids import uuid7

app = Celery("benchmarks", broker=os.environ["BENCH_BROKER_URL"])
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="benchmarks.noop")
def noop(message: dict[str, Any]) -> None:
    """Take the message."""


def publish() -> None:
    """Send one task with an event as its argument."""
    user_id = str(uuid7())
    noop.delay(
        {
            "specversion": "1.0",
            "id": str(uuid7()),
            "source": "urn:souk:service:auth",
            "type": "user.registered",
            "subject": user_id,
            "time": "2026-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:souk:event:user.registered:v1",
            "data": {"user_id": user_id, "email": f"{user_id}@example.com", "name": "Anyone"},
            "sequence": "1",
            "requestid": user_id,
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
    )
