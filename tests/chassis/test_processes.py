"""The real processes: what carries an event, what survives an outage, how each ends."""

import contextlib
import http.client
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psutil
import pytest
import redis
from django.conf import settings
from django.db import connection

from chassis import draining
from chassis.models import InboxEvent, OutboxEvent, RelayState
from tests.chassis.processes import SECONDS, wait_until
from tests.chassis.sample.handlers import HELD

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]


def get(process, path="/health/live"):
    try:
        return httpx.get(f"{process.url}{path}", trust_env=False, timeout=30)
    except httpx.HTTPError:
        return None


def is_staying(process):
    return get(process, "/health/ready").json()["checks"]["staying"]


def connected(process):
    """Return the connections that the process opened, not those it accepted."""
    listening = {c.laddr.port for c in process.net_connections("tcp") if not c.raddr}
    return [c for c in process.net_connections("tcp") if c.raddr and c.laddr.port not in listening]


def accepted(process):
    """Return the connections that the process accepted."""
    listening = {c.laddr.port for c in process.net_connections("tcp") if not c.raddr}
    return [c for c in process.net_connections("tcp") if c.raddr and c.laddr.port in listening]


def is_gone(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_handled(count):
    """Tell whether both consumers have handled so many events."""
    handled = InboxEvent.objects.exclude(handled_at=None).values_list("consumer", flat=True)
    return Counter(handled) == {"sample.keep": count, "sample.check": count}


def is_published(count):
    """Tell whether the relay has sent so many events, and knows that it has."""
    return OutboxEvent.objects.exclude(published_at=None).count() == count


@contextlib.contextmanager
def holding():
    """Let the handler of a note that is to be held wait for the end of the block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [HELD])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [HELD])


def is_held():
    """Tell whether a handler waits so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())"
        )
        return cursor.fetchone()[0]


def queue_length(name="souk.order.order"):
    return redis.Redis.from_url(settings.BROKER_URL).llen(name)


class TestDelivery:
    def test_carries_an_event_to_each_consumer_and_ends_with_0(self, start, take_note, notes):
        relay, worker = start("relay"), start("worker")
        relay.wait_until_healthy()
        worker.wait_until_healthy()
        for number in range(5):
            take_note(f"note {number}")
            wait_until(partial(is_handled, number + 1), what=relay.log + worker.log)
        assert notes() == [f"note {number}" for number in range(5)]
        assert RelayState.objects.get().position == 5
        for process in (relay, worker):
            assert process.stop() == 0, process.log
            assert not process.health_file.exists()
            assert "Traceback" not in process.log

    def test_lets_the_event_under_way_end_at_sigterm(self, start, take_note, notes):
        relay, worker = start("relay"), start("worker").wait_until_healthy()
        relay.wait_until_healthy()
        with holding():
            take_note("held")
            wait_until(is_held, what=relay.log + worker.log)
            worker.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "Warm shutdown" in worker.log, what=worker.log)
            assert notes() == []
        assert worker.process.wait(SECONDS) == 0
        assert is_handled(1)
        assert redis.Redis.from_url(settings.BROKER_URL).hlen("souk.order.unacked") == 0


class TestRelay:
    def test_stands_by_while_another_is_active_ends_or_takes_over(self, start, take_note):
        first = start("relay")
        wait_until(lambda: "relay_active" in first.log)
        second = start("relay").wait_until_healthy()
        third = start("relay").wait_until_healthy()
        assert third.stop() == 0
        assert "relay_active" not in second.log + third.log
        first.process.kill()
        first.process.wait()
        wait_until(lambda: "relay_active" in second.log)
        take_note("a")
        wait_until(partial(is_published, 1))

    def test_survives_a_broker_outage(self, start, take_note, broker_proxy):
        relay = start("relay")
        wait_until(lambda: "relay_active" in relay.log)
        take_note("before")
        # Without the broker's answer it would not know, and send the event again.
        wait_until(partial(is_published, 1))
        broker_proxy.down()
        take_note("meanwhile")
        wait_until(lambda: "relay_broker_lost" in relay.log)
        relay.wait_until_it_beats()
        assert is_published(1)
        broker_proxy.up()
        wait_until(partial(is_published, 2), what=relay.log)
        assert queue_length() == 2
        assert "Traceback" not in relay.log

    def test_survives_a_database_outage(self, start, take_note, database_proxy):
        relay = start("relay")
        wait_until(lambda: "relay_active" in relay.log)
        database_proxy.down()
        take_note("meanwhile")
        wait_until(lambda: relay.log.count("relay_database_lost") > 1)
        database_proxy.up()
        wait_until(lambda: queue_length() == 1, what=relay.log)
        assert relay.log.count("relay_active") == 2
        assert "Traceback" not in relay.log

    def test_survives_the_end_of_its_session(self, start, take_note):
        relay = start("relay")
        wait_until(lambda: "relay_active" in relay.log)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        take_note("after")
        wait_until(lambda: queue_length() == 1, what=relay.log)
        assert "Traceback" not in relay.log


class TestWorker:
    def test_consumes_again_after_a_broker_outage(self, start, take_note, notes, broker_proxy):
        relay, worker = start("relay"), start("worker")
        relay.wait_until_healthy()
        worker.wait_until_healthy()
        broker_proxy.down()
        take_note("meanwhile")
        wait_until(lambda: not worker.is_fresh(4), what="the health file ages: nothing is consumed")
        broker_proxy.up()
        wait_until(lambda: notes() == ["meanwhile"], what=worker.log)
        wait_until(lambda: worker.is_fresh(3))

    def test_gives_an_event_back_while_the_database_is_down(
        self, start, take_note, notes, database_proxy
    ):
        worker = start("worker").wait_until_healthy()
        take_note("first")
        relay = start("relay", DATABASE_URL=worker_database_url())
        wait_until(partial(is_handled, 1))
        database_proxy.down()
        take_note("second")
        wait_until(lambda: "event_returned" in worker.log, what=worker.log + relay.log)
        database_proxy.up()
        wait_until(partial(is_handled, 2), what=worker.log)
        assert notes() == ["first", "second"]
        assert InboxEvent.objects.filter(consumer="sample.keep", attempts=0).count() == 2
        assert "Traceback" not in worker.log, worker.log

    def test_acknowledges_an_event_when_it_is_handled_and_not_before(self, start, take_note):
        relay, worker = start("relay"), start("worker").wait_until_healthy()
        server = redis.Redis.from_url(settings.BROKER_URL)
        with holding():
            take_note("held")
            wait_until(is_held, what=relay.log + worker.log)
            assert server.hlen("souk.order.unacked") == 1
        wait_until(lambda: server.hlen("souk.order.unacked") == 0, what=worker.log)
        assert is_handled(1)

    def test_refuses_what_is_no_event_and_goes_on(self, start, take_note, notes):
        from chassis import queue

        worker = start("worker").wait_until_healthy()
        with queue.app.connection_for_write() as broker:
            producer = queue.app.amqp.Producer(broker.default_channel)
            for message in ({"id": "x"}, {"id": "y", "specversion": "9.9"}):
                queue.send(message, service="order", with_producer=producer)
        wait_until(lambda: worker.log.count("message_refused") == 2)
        take_note("good")
        start("relay")
        wait_until(lambda: notes() == ["good"])
        server = redis.Redis.from_url(settings.BROKER_URL)
        wait_until(
            lambda: server.hlen("souk.order.unacked") == 0, what="an acknowledgement of each"
        )


def worker_database_url():
    own = connection.settings_dict
    return f"postgresql://{own['USER']}:{own['PASSWORD']}@127.0.0.1:{own['PORT']}/{own['NAME']}"


class TestWeb:
    @pytest.fixture
    def web(self, start):
        process = start("web")
        wait_until(lambda: get(process) or process.process.poll() is not None)
        assert process.process.poll() is None, process.log
        return process

    def test_is_a_master_and_a_worker_that_share_memory_and_no_connection(self, web):
        assert get(web, "/plain-query").text == "ok"
        master = psutil.Process(web.process.pid)
        (worker,) = master.children(recursive=True)
        assert master.cmdline()[-1] == "web"
        assert connected(master) == []
        assert connected(worker)
        # 27 % of the worker's memory is its own; 41 % without the application loaded before the fork.
        assert worker.memory_full_info().uss < 0.34 * worker.memory_info().rss

    def test_logs_each_request_once_as_json_and_lets_it_end_at_sigterm(self, web):
        with ThreadPoolExecutor() as pool, httpx.Client(trust_env=False, timeout=30) as client:
            headers = {"X-Request-ID": "mine"}
            answer = pool.submit(client.get, f"{web.url}/slow", headers=headers)
            wait_until(lambda: "slow_begun" in web.log)
            assert web.stop() == 0
            assert answer.result().text == "done"
        (line,) = [line for line in web.log.splitlines() if '"request"' in line]
        assert '"request_id":"mine"' in line
        assert '"service":"order"' in line
        assert "Traceback" not in web.log

    def test_serves_on_while_it_drains_and_says_that_it_is_not_ready(self, start):
        web = start("web", DRAIN_SECONDS="60")
        wait_until(lambda: get(web))
        assert is_staying(web)
        web.process.terminate()
        wait_until(lambda: not is_staying(web), what="it tells that it goes")
        assert get(web, "/health/live").is_success
        assert get(web, "/plain-query").text == "ok"
        assert web.stop() == 0  # a second signal ends the time

    def test_drains_for_as_long_as_requests_come(self, start):
        """A gateway that reads its configuration anew takes everybody for ready, until it looks again."""
        web = start("web", DRAIN_SECONDS="1")
        wait_until(lambda: get(web))
        web.process.terminate()
        began = time.monotonic()
        while time.monotonic() - began < 6:
            assert get(web, "/plain-query").text == "ok"
        assert web.process.wait(20) == 0
        assert time.monotonic() - began > 6 + draining.QUIET_SECONDS - 1

    def test_stops_by_itself_when_it_is_drained(self, start):
        web = start("web", DRAIN_SECONDS="1")
        wait_until(lambda: get(web))
        assert web.stop() == 0
        assert "Traceback" not in web.log

    def test_leaves_no_worker_behind_when_the_master_is_killed(self, web, start):
        (worker,) = psutil.Process(web.process.pid).children()
        with httpx.Client(trust_env=False) as client, ThreadPoolExecutor() as pool:
            assert client.get(f"{web.url}/health/live").is_success  # a connection that is kept
            under_way = pool.submit(get, web, "/slow?seconds=30")
            wait_until(lambda: "slow_begun" in web.log)
            wait_until(lambda: len(accepted(worker)) == 2, what="both connections")
            web.process.kill()
            web.process.wait()
            wait_until(lambda: is_gone(worker), seconds=10, what="the old worker ends")
            assert under_way.result() is None
        start("web", BIND=web.url.removeprefix("http://"))
        wait_until(lambda: get(web), what="the new one serves")

    def test_leaves_nothing_of_a_refused_body_on_a_kept_connection(self, web):
        host, port = web.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        for _ in range(3):
            connection.request("POST", "/health/live", body=b"x" * 900_000)
            refused = connection.getresponse()
            assert (refused.status, refused.will_close) == (403, False)
            refused.read()
            connection.request("GET", "/health/live")
            assert connection.getresponse().read() == b'{"status": "live"}'
        connection.close()

    def test_answers_503_while_the_database_is_down_and_recovers(self, web, database_proxy):
        assert get(web, "/plain-query").status_code == 200
        database_proxy.down()
        answer = get(web, "/api/v1/failing/database")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert get(web, "/plain-query").json()["code"] == "unavailable"
        assert get(web, "/health/ready").status_code == 503
        assert get(web, "/health/live").status_code == 200
        assert get(web, "/plain-query").status_code == 503
        database_proxy.up()
        # Whatever the outage lasted: the pool's own pauses between attempts would grow with it.
        wait_until(lambda: get(web, "/plain-query").status_code == 200, seconds=5)
        assert "Traceback" not in web.log
