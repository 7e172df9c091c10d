import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from django.db import connection

from chassis import queues
from chassis.events.relay import LOCK_KEY
from chassis.models import InboxEvent, OutboxEvent
from chassis.watchdog import LOOKS, LOOKS_RELAY, RelayWatch, WorkerWatch
from tests.chassis.processes import SECONDS, wait_until

NAMES = ["souk.order.auth", "souk.order.order"]
STILL = "its loop stands still"
DEAF = "it takes no message from souk.order.order"


@pytest.fixture
def waiting(monkeypatch):
    """Return the next message of each queue, to be changed; None in the first: no answer."""
    messages: list[list[bytes | None] | None] = [[None, None]]
    monkeypatch.setattr(queues, "next_messages", lambda names: messages[0])

    def change(*now):
        messages[0] = list(now) if now else None

    return change


@pytest.fixture
def watch(waiting):
    watch = WorkerWatch(names=NAMES, threads=4)
    watch.turn()
    return watch


def look(watch, *, turns=True, taken=0, under_way=0, is_stopping=False):
    if turns:
        watch.turn()
    return watch.look(taken=taken, under_way=under_way, is_stopping=is_stopping)


def looks(watch, number, **seen):
    """Return what so many looks at the same tell."""
    return {look(watch, **seen) for _ in range(number)}


class TestWorkerWatch:
    def test_tells_of_a_loop_that_stands_still(self, watch):
        assert looks(watch, LOOKS, turns=False) == {None}
        assert look(watch, turns=False) == STILL

    def test_tells_of_a_message_that_is_not_taken(self, watch, waiting):
        waiting(None, b"a")
        assert looks(watch, LOOKS) == {None}
        assert look(watch) == DEAF

    def test_tells_nothing_where_no_message_waits(self, watch):
        assert looks(watch, 3 * LOOKS) == {None}

    def test_tells_nothing_while_another_worker_takes_the_messages(self, watch, waiting):
        for number in range(3 * LOOKS):
            waiting(None, b"%d" % number)
            assert look(watch) is None

    def test_tells_nothing_while_it_takes_messages(self, watch, waiting):
        """Such as those that go back to the queue while the database is away."""
        waiting(None, b"a")
        for number in range(3 * LOOKS):
            assert look(watch, taken=number) is None

    def test_tells_nothing_while_all_its_threads_are_busy(self, watch, waiting):
        waiting(None, b"a")
        assert looks(watch, 3 * LOOKS, under_way=4) == {None}
        assert looks(watch, LOOKS, under_way=3) == {None}
        assert look(watch, under_way=3) == DEAF

    def test_tells_nothing_without_an_answer_from_the_broker(self, watch, waiting):
        waiting(None, b"a")
        looks(watch, LOOKS, turns=False)
        waiting()
        assert looks(watch, 3 * LOOKS, turns=False) == {None}
        waiting(None, b"a")
        assert looks(watch, LOOKS, turns=False) == {None}, "it begins to count anew"

    def test_tells_nothing_of_one_that_was_told_to_stop(self, watch, waiting):
        waiting(None, b"a")
        assert looks(watch, 3 * LOOKS, turns=False, is_stopping=True) == {None}


class TestRelayWatch:
    def test_tells_of_a_loop_that_stands_still(self):
        turns = [7]
        watch = RelayWatch(lambda: turns[0])
        assert {watch.look() for _ in range(LOOKS_RELAY)} == {None}
        turns[0] += 1
        assert {watch.look() for _ in range(LOOKS_RELAY)} == {None}
        assert watch.look() == STILL


def is_handled(text):
    return InboxEvent.objects.filter(
        consumer="sample.keep", effect=f"kept {text}", handled_at__isnull=False
    ).exists()


QUICK = {"SAMPLE_WATCHDOG_SECONDS": "0.3"}


@pytest.mark.long
@pytest.mark.timeout(180)
class TestWorker:
    @pytest.fixture(autouse=True)
    def relay(self, start):
        return start("relay").wait_until_healthy()

    @pytest.mark.parametrize(("way", "reason"), [("deafen", DEAF), ("block", STILL)])
    def test_that_hangs_ends_and_another_goes_on(self, start, take_note, way, reason):
        worker = start("worker", **QUICK).wait_until_healthy()
        take_note(way)
        texts: list[str] = []

        def has_ended():
            """A last answer may be on its way: so one message after the other."""
            if worker.process.poll() is None:
                texts.append(f"note {len(texts)}")
                take_note(texts[-1])
                time.sleep(0.3)
                return False
            return True

        wait_until(has_ended, what=f"the end: {worker.log}")
        assert worker.process.returncode == 1
        (line,) = [line for line in worker.log.splitlines() if "worker_stalled" in line]
        assert json.loads(line)["reason"] == reason
        assert not worker.health_file.exists()
        assert not is_handled(texts[-1])
        start("worker")
        # What the broker had put on the way to the one that hung is for the repair.
        wait_until(partial(is_handled, texts[-1]), what="another handles what waits")

    def test_that_was_stopped_for_long_goes_on(self, start, take_note):
        worker = start("worker", **QUICK).wait_until_healthy()
        worker.process.send_signal(signal.SIGSTOP)
        take_note("meanwhile")
        time.sleep((LOOKS + 2) * 0.3)
        worker.process.send_signal(signal.SIGCONT)
        wait_until(partial(is_handled, "meanwhile"), what=worker.log)
        assert worker.process.poll() is None

    def test_that_waits_for_the_broker_goes_on(self, start, take_note, broker_proxy):
        worker = start("worker", **QUICK).wait_until_healthy()
        broker_proxy.down()
        take_note("meanwhile")
        time.sleep((LOOKS + 2) * 0.3)
        broker_proxy.up()
        wait_until(partial(is_handled, "meanwhile"), what=worker.log)
        assert worker.process.poll() is None


@contextlib.contextmanager
def frozen_session():
    """Let the server of whoever holds the relay's lock stand still."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_KEY],
        )
        ((pid,),) = cursor.fetchall()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.long
@pytest.mark.timeout(180)
class TestRelay:
    def test_that_hangs_ends_and_another_takes_over(self, start, take_note):
        relay = start("relay", SAMPLE_WATCHDOG_SECONDS="0.1")
        wait_until(lambda: "relay_active" in relay.log)
        with frozen_session():
            take_note("meanwhile")
            assert relay.process.wait(SECONDS) == 1
        (line,) = [line for line in relay.log.splitlines() if "relay_stalled" in line]
        assert json.loads(line)["reason"] == STILL
        start("relay")
        wait_until(lambda: OutboxEvent.objects.filter(published_at__isnull=False).exists())


SILENT = """
import os, time
import django
django.setup()
from chassis import watchdog
class Log:
    def error(self, *_, **__):
        time.sleep(3600)
watchdog.log, watchdog._LAST_WORDS_SECONDS = Log(), 0.2
watchdog.end_process("worker_stalled", "a lock of logging is held by who hangs")
"""


class TestEndProcess:
    def test_ends_it_even_where_nothing_can_be_logged(self):
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.chassis.sample.settings"}
        ended = subprocess.run(
            [sys.executable, "-c", SILENT],
            env=environment,
            capture_output=True,
            timeout=50,
            check=False,
        )
        assert ended.returncode == 1
        assert b"in error" in ended.stderr, "where each thread is"
