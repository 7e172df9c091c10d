import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from chassis import queues
from chassis.database import UNAVAILABLE
from chassis.events import figures, outbox, sources
from chassis.ids import uuid7
from chassis.models import EventCursor, InboxEvent, OutboxEvent
from tests.chassis.sample.events import NoteTaken

pytestmark = pytest.mark.django_db


def ago(seconds):
    return timezone.now() - timedelta(seconds=seconds)


def receive(*, sent=60.0, **values):
    """Keep an event in the inbox that was written so many seconds ago."""
    return InboxEvent.objects.create(
        consumer="sample.keep",
        event_id=uuid7(),
        type="sample.note_taken",
        subject="note",
        envelope={"time": ago(sent).isoformat()},
        **values,
    )


def write(*, seconds=0, **values):
    outbox.publish(NoteTaken(text="a"), subject=f"note {uuid7()}")
    newest = OutboxEvent.objects.order_by("-id")[:1]
    OutboxEvent.objects.filter(pk__in=newest.values("pk")).update(time=ago(seconds), **values)


class TestRead:
    def test_is_zero_or_none_where_nothing_was_ever_done(self):
        now = figures.read()
        assert (now.unpublished, now.oldest_unpublished_seconds) == (0, 0)
        assert (now.waiting, now.failing, now.dead, now.handled_recently) == (0, 0, 0, 0)
        assert (now.lag_p50_seconds, now.lag_p99_seconds) == (None, None)
        assert (now.repaired, now.swept_seconds) == (0, None)

    def test_tells_what_is_not_published_and_for_how_long(self):
        write(seconds=5)
        write(seconds=90, position=1)
        write(seconds=900, position=2, published_at=timezone.now())
        now = figures.read()
        assert now.unpublished == 2
        assert 90 <= now.oldest_unpublished_seconds < 120

    def test_tells_the_oldest_of_those_without_a_number_too(self):
        write(seconds=90)
        write(seconds=5, position=1)
        assert 90 <= figures.read().oldest_unpublished_seconds < 120

    def test_tells_apart_what_waits_fails_and_is_dead(self):
        soon = timezone.now() + timedelta(seconds=9)
        receive(not_before=soon)
        receive(not_before=soon, attempts=1, error="LookupError")
        receive(not_before=soon, attempts=2, error="LookupError")
        receive(not_before=soon, attempts=0, error="LookupError, and redriven since")
        receive(dead_at=timezone.now(), attempts=8)
        now = figures.read()
        assert (now.waiting, now.failing, now.dead) == (1, 3, 1)

    def test_leaves_out_a_time_that_the_database_does_not_know(self):
        receive(handled_at=ago(1))
        InboxEvent.objects.update(envelope={"time": "2026-01-02T12:00:00+23:59"})
        now = figures.read()
        assert (now.handled_recently, now.lag_p99_seconds) == (1, None)

    def test_tells_how_long_events_took_of_late(self):
        for seconds in range(1, 100):
            receive(sent=10 + seconds, handled_at=ago(10))
        receive(sent=5000, handled_at=ago(figures.RECENT_SECONDS + 60))
        now = figures.read()
        assert now.handled_recently == 99
        assert now.lag_p50_seconds == pytest.approx(50, abs=0.5)
        assert now.lag_p99_seconds == pytest.approx(98, abs=0.5)

    def test_tells_no_lag_below_zero_where_clocks_differ(self):
        receive(sent=-5, handled_at=ago(0))
        assert figures.read().lag_p50_seconds == 0

    def test_leaves_out_what_was_discarded(self):
        receive(handled_at=ago(1), effect="discarded: of no use")
        now = figures.read()
        assert (now.handled_recently, now.lag_p50_seconds) == (0, None)

    def test_tells_what_was_repaired_and_the_oldest_look(self):
        EventCursor.objects.create(source="auth", repaired=2, swept_at=ago(40))
        EventCursor.objects.create(source="catalog", repaired=3, swept_at=ago(4))
        now = figures.read()
        assert now.repaired == 5
        assert now.swept_seconds == pytest.approx(45, abs=5)

    def test_tells_nothing_of_a_look_at_what_is_a_publisher_no_longer(self):
        EventCursor.objects.create(source="catalog", repaired=3, swept_at=ago(4))
        EventCursor.objects.create(source="basket", repaired=2, swept_at=ago(9000))
        now = figures.read()
        assert now.repaired == 5
        assert now.swept_seconds == pytest.approx(4, abs=3)
        assert figures.swept().keys() == {*sources.names()}

    def test_tells_the_last_look_at_each_publisher(self):
        EventCursor.objects.create(source="catalog", swept_at=ago(40))
        swept = figures.swept()
        assert swept.pop("catalog") == pytest.approx(45, abs=5)
        assert set(swept.values()) == {None}

    def test_tells_how_many_messages_wait(self, broker):
        broker.rpush("souk.order.auth", "a", "b")
        broker.rpush("souk.order.order", "c")
        broker.rpush("souk.auth.order", "another service's")
        assert figures.read().queue_length == 3

    def test_tells_no_queue_length_without_a_broker(self, settings):
        settings.BROKER_URL = "redis://127.0.0.1:1/0"
        assert figures.read().queue_length is None

    def test_reads_from_indexes_and_in_no_time_whatever_has_piled_up(self):
        parameters: dict[str, Any] = {**figures._PARAMETERS, "sources": ["order"]}
        with connection.cursor() as cursor:
            cursor.execute(PILE)
            cursor.execute("ANALYZE inbox, outbox")
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + figures._READ, parameters)
            ((plan,),) = cursor.fetchall()
        (told,) = json.loads(plan) if isinstance(plan, str) else plan
        read = {
            (node["Node Type"], node["Relation Name"])
            for node in nodes(told["Plan"])
            if "Relation Name" in node
        }
        assert {relation for _, relation in read} == {"inbox", "outbox", "event_cursor"}
        # The cursors are as many as services.
        assert ("Seq Scan", "inbox") not in read
        assert ("Seq Scan", "outbox") not in read
        most = max(node["Actual Rows"] for node in nodes(told["Plan"]))
        assert most <= figures.MOST_COUNTED


PILE = """
INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, handled_at, effect, attempts, error)
SELECT 'sample.keep', gen_random_uuid(), 'sample.note_taken', 'note',
       jsonb_build_object('time', now()), now(), now(), 'kept', 0, ''
FROM generate_series(1, 30000);
INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, traceparent, position, published_at)
SELECT gen_random_uuid(), 'sample.note_taken', 1, n::text, 1, now(), '{}', '', '', n,
       CASE WHEN n <= 15000 THEN now() END
FROM generate_series(1, 30000) AS n
"""


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


class TestCommand:
    def test_prints_a_line_for_each_figure(self):
        receive(dead_at=timezone.now())
        lines = run("events").splitlines()
        assert len(lines) == 11
        (dead,) = [line for line in lines if line.startswith("dead ")]
        assert dead.split()[:4] == ["dead", "1", "Dead", "letters"]

    def test_says_that_the_broker_does_not_answer(self, settings):
        settings.BROKER_URL = "redis://127.0.0.1:1/0"
        assert "no answer" in run("events")
        assert json.loads(run("events", "--json"))["queue_length"] is None

    def test_prints_one_sentence_without_a_database(self, monkeypatch):
        def fail(*_, **__):
            raise UNAVAILABLE[0]("connection refused\nIs the server running?")

        monkeypatch.setattr(figures, "fetch", fail)
        with pytest.raises(
            CommandError, match=r"^The database does not answer: connection refused$"
        ):
            run("events")


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def broker(settings):
    from redis import Redis

    broker = Redis.from_url(settings.BROKER_URL)
    yield broker
    broker.flushdb()
    broker.close()


class TestNextMessages:
    def test_are_those_that_are_taken_next(self, broker):
        broker.lpush("souk.order.auth", "first")
        broker.lpush("souk.order.auth", "second")
        assert queues.next_messages(["souk.order.auth", "souk.order.order"]) == [b"first", None]

    def test_are_not_known_without_an_answer(self, settings):
        settings.BROKER_URL = "redis://127.0.0.1:1/0"
        assert queues.next_messages(["souk.order.auth"]) is None

    def test_are_not_known_and_the_log_says_why_where_the_broker_refuses(self, broker, caplog):
        broker.set("souk.order.auth", "no list")
        assert queues.next_messages(["souk.order.auth"]) is None
        assert "queues_not_read" in caplog.text
