"""A service's own background work: what wakes a worker, and that it holds nobody up."""

from unittest import mock

import pytest
import redis
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError

from chassis import queue, work
from chassis.ids import uuid7
from chassis.work import Task
from tests.chassis.processes import wait_until
from tests.chassis.sample.tasks import change


@pytest.fixture
def sent():
    """Leave a task whose row waits, and return what is sent of it."""
    row_id = uuid7()
    task = Task("sample.other", lambda *_: None, lambda: row_id)
    with (
        mock.patch.object(work, "_tasks", {task.name: task}),
        mock.patch.object(queue, "_sent", {}),
        mock.patch.object(queue, "_wake") as wake,
    ):
        yield wake


class TestTask:
    def test_refuses_a_second_one_of_a_name(self):
        with pytest.raises(ValueError, match=r"the task sample\.work is declared twice"):
            work.task(name="sample.work", waiting=lambda: None)(lambda *_: None)


class TestWakeWorkers:
    def test_sends_at_once_and_then_every_ten_seconds(self, sent, monkeypatch):
        for now, count in [(100, 1), (101, 1), (109, 1), (110, 2), (119, 2), (120, 3)]:
            monkeypatch.setattr("time.monotonic", mock.Mock(return_value=now))
            queue.wake_workers()
            assert sent.call_count == count

    def test_sends_another_row_at_once(self, sent):
        for row_id in (uuid7(), uuid7()):
            waiting = mock.Mock(return_value=row_id)
            work._tasks["sample.other"] = Task("sample.other", print, waiting)
            queue.wake_workers()
        assert sent.call_count == 2

    def test_says_little_of_a_broker_that_is_away(self, sent, caplog):
        sent.side_effect = BrokerError("away")
        queue.wake_workers()
        (record,) = caplog.records
        assert (record.levelname, record.msg["event"]) == ("WARNING", "task_not_sent")


@pytest.mark.long
@pytest.mark.timeout(180)
class TestWorker:
    def test_works_beside_events_and_gives_the_row_back_when_told_to_stop(
        self, start, take_note, notes
    ):
        row_id = uuid7()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sample_job (id) VALUES (%s)", [row_id])
        worker = start("worker", WORKER_THREADS="1").wait_until_healthy()
        start("relay").wait_until_healthy()
        wait_until(lambda: change(row_id, "runs", "runs"), what=worker.log)
        # Acknowledged when it began: past the visibility timeout it would come again.
        broker = redis.Redis.from_url(settings.BROKER_URL)
        wait_until(lambda: broker.hlen("souk.order.unacked") == 0)
        take_note("meanwhile")
        wait_until(lambda: notes() == ["meanwhile"], what=worker.log)
        assert change(row_id, "runs", "runs")
        assert worker.stop() == 0, worker.log
        assert change(row_id, "waits", "waits")
        assert "Traceback" not in worker.log
