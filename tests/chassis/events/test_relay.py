import contextlib
import threading
import time
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import transaction

from chassis import jobs, queue, queues, transport
from chassis.events import inbox, outbox, relay
from chassis.events.relay import Pace, Relay
from chassis.ids import uuid7
from chassis.models import OutboxEvent, RelayState
from tests.chassis.processes import SECONDS, wait_until
from tests.chassis.racing import race
from tests.chassis.sample.events import NoteTaken

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def session():
    with relay.open_session() as opened:
        opened.execute(relay._BEGIN, [uuid7()])
        yield opened


@pytest.fixture
def sent(monkeypatch):
    """Return the list of messages sent, instead of sending them."""
    messages: list[Any] = []
    monkeypatch.setattr(queue, "producer", object)
    monkeypatch.setattr(
        queue,
        "send",
        lambda *sent, service, with_producer: messages.extend((service, one) for one in sent),
    )
    return messages


class Reader:
    """Reads the outbox as a consumer's sweep does: what lies behind the last position seen."""

    def __init__(self):
        self.seen = []

    def sweep(self):
        last = self.seen[-1] if self.seen else 0
        rows = OutboxEvent.objects.filter(position__gt=last).order_by("position")
        self.seen.extend(rows.values_list("position", flat=True))


def write_notes(subject):
    for number in range(15):
        with transaction.atomic():
            outbox.publish(NoteTaken(text=f"{subject} {number}"), subject=subject)
            outbox.publish(NoteTaken(text=f"{subject} {number}"), subject="shared")


def fail_to_connect():
    raise redis.ConnectionError("gone")


def sleep_until_cancelled(session):
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        session.execute("SELECT pg_sleep(30)")


def are_sent(sent, texts):
    return [message["data"]["text"] for _, message in sent] == texts


class TestPublishBatch:
    def test_publishes_to_the_queue_of_each_consumer_and_marks(self, session, take_note):
        take_note("a")
        one = Relay(beat=lambda: None)
        assert one.publish_batch(session) is False
        one._drop_producer()
        row = OutboxEvent.objects.get()
        assert row.position == 1
        assert row.published_at is not None
        broker = redis.Redis.from_url(settings.BROKER_URL)
        assert broker.llen("souk.order.order") == 1

    def test_publishes_in_the_order_of_a_subject_whatever_the_ids(self, session, sent, monkeypatch):
        ids = [UUID(int=2), UUID(int=1)]
        monkeypatch.setattr(outbox, "uuid7", lambda: ids.pop(0))
        with transaction.atomic():
            outbox.publish(NoteTaken(text="first"), subject="s")
        with transaction.atomic():
            outbox.publish(NoteTaken(text="second"), subject="s")
        Relay(beat=lambda: None).publish_batch(session)
        assert [message["data"]["text"] for _, message in sent] == ["first", "second"]
        assert [message["sequence"] for _, message in sent] == ["1", "2"]

    def test_leaves_an_event_that_only_the_next_release_knows_to_it(self, session, sent, take_note):
        take_note("of the next release")
        OutboxEvent.objects.update(type="sample.not_known_yet")
        take_note("of this release")
        Relay(beat=lambda: None).publish_batch(session)
        assert [message["data"]["text"] for _, message in sent] == ["of this release"]
        assert OutboxEvent.objects.get(type="sample.not_known_yet").published_at is None
        OutboxEvent.objects.update(type="sample.note_taken")
        Relay(beat=lambda: None).publish_batch(session)
        assert [message["data"]["text"] for _, message in sent][1:] == ["of the next release"]

    def test_tells_that_there_may_be_more_after_a_full_batch(
        self, session, sent, take_note, monkeypatch
    ):
        monkeypatch.setattr(relay, "BATCH", 2)
        for number in range(3):
            take_note(str(number))
        one = Relay(beat=lambda: None)
        assert one.publish_batch(session) is True
        assert one.publish_batch(session) is False
        assert [message["data"]["text"] for _, message in sent] == ["0", "1", "2"]

    def test_ends_a_batch_that_takes_long_and_goes_on(self, session, sent, take_note, monkeypatch):
        monkeypatch.setattr(relay, "PACK", 1)
        take_note("a")
        take_note("b")
        send = queue.send

        def send_slowly(*messages, **options):
            send(*messages, **options)
            monkeypatch.setattr(time, "monotonic", lambda: time.perf_counter() + 10**9)

        monkeypatch.setattr(queue, "send", send_slowly)
        assert Relay(beat=lambda: None).publish_batch(session) is True
        monkeypatch.undo()
        published = OutboxEvent.objects.exclude(published_at=None)
        assert [row.data["text"] for row in published] == ["a"]
        assert Relay(beat=lambda: None).publish_batch(session) is False

    def test_sends_several_events_in_one_message_in_their_order(
        self, session, take_note, monkeypatch
    ):
        monkeypatch.setattr(relay, "PACK", 2)
        packs = []
        monkeypatch.setattr(queue, "producer", object)
        monkeypatch.setattr(
            queue,
            "send",
            lambda *sent, **_: packs.append([message["data"]["text"] for message in sent]),
        )
        for number in range(3):
            take_note(str(number))
        Relay(beat=lambda: None).publish_batch(session)
        assert packs == [["0", "1"], ["2"]]

    def test_sends_no_message_that_is_too_long_to_be_taken(self, session, take_note):
        for number in range(5):
            take_note(f"{number}" + '"' * (outbox.LONGEST // 2 - 100))
        Relay(beat=lambda: None).publish_batch(session)
        name = queues.queue_of("order", "order")
        with redis.Redis.from_url(settings.BROKER_URL) as broker:
            messages = broker.lrange(name, 0, -1)
        assert len(messages) == 3
        assert all(b"souk.deliver" in transport.rebuild(name, text) for text in messages)

    def test_marks_what_was_sent_before_the_broker_failed(
        self, session, sent, take_note, monkeypatch
    ):
        monkeypatch.setattr(relay, "PACK", 1)
        for number in range(3):
            take_note(str(number))

        def fail_at_the_second(message, *, service, with_producer):
            if message["data"]["text"] == "1":
                raise redis.ConnectionError("gone")
            sent.append((service, message))

        monkeypatch.setattr(queue, "send", fail_at_the_second)
        with pytest.raises(redis.ConnectionError):
            Relay(beat=lambda: None).publish_batch(session)
        assert [row.published_at is None for row in OutboxEvent.objects.order_by("position")] == [
            False,
            True,
            True,
        ]

    def test_publishes_again_after_a_death_before_the_mark_with_one_effect(
        self, session, sent, take_note, notes, monkeypatch
    ):
        take_note("a")
        with monkeypatch.context() as dying:
            dying.setattr(relay, "_MARK", "SELECT %s::uuid[]")
            Relay(beat=lambda: None).publish_batch(session)
        Relay(beat=lambda: None).publish_batch(session)
        assert len(sent) == 2
        assert sent[0] == sent[1]
        for _, message in sent:
            inbox.receive(message)
        assert notes() == ["a"]

    def test_gives_positions_without_gaps_and_misses_no_row_under_eight_writers(
        self, session, sent
    ):
        writing = threading.Event()
        reader = Reader()

        def publish():
            one = Relay(beat=lambda: None)
            while not writing.is_set() or one.publish_batch(session):
                one.publish_batch(session)

        def read():
            while not writing.is_set():
                reader.sweep()

        def write_all():
            try:
                return race([partial(write_notes, f"s{n}") for n in range(8)])
            finally:
                writing.set()

        assert race([publish, read, write_all]) == [None, None, [None] * 8]
        reader.sweep()
        assert reader.seen == list(range(1, 241))
        assert RelayState.objects.get().position == 240
        assert len({message["id"] for _, message in sent}) == len(sent) == 240
        by_subject: dict[str, list[int]] = {}
        for _, message in sent:
            by_subject.setdefault(message["subject"], []).append(int(message["sequence"]))
        assert all(numbers == sorted(numbers) for numbers in by_subject.values())

    def test_locks_and_writes_nothing_where_nothing_is_new(self, session, sent, take_note):
        take_note("a")
        one = Relay(beat=lambda: None)
        one.publish_batch(session)
        before = session.execute("SELECT ctid, xmax, position FROM relay_state").fetchone()
        one.publish_batch(session)
        assert session.execute("SELECT ctid, xmax, position FROM relay_state").fetchone() == before

    def test_numbers_every_event_though_the_broker_is_down(self, session, take_note, monkeypatch):
        monkeypatch.setattr(relay, "NUMBERED", 2)
        monkeypatch.setattr(relay, "IDLE_SECONDS", 0)
        monkeypatch.setattr(queue, "producer", fail_to_connect)
        for number in range(5):
            take_note(str(number))
        assert Relay(beat=lambda: None)._publish_if_possible(session) is True
        rows = OutboxEvent.objects.order_by("position")
        assert list(rows.values_list("position", "published_at")) == [
            (number, None) for number in range(1, 6)
        ]


class TestLock:
    @pytest.fixture
    def holder(self, monkeypatch):
        monkeypatch.setattr(relay, "IDLE_SECONDS", 0.05)
        with contextlib.suppress(psycopg.OperationalError), relay.open_session() as opened:
            opened.execute("SELECT pg_advisory_lock(%s)", [relay.LOCK_KEY])
            yield opened

    def test_is_waited_for_while_its_holder_goes_on(self, holder, session):
        tries: list[int] = []
        one = Relay(beat=lambda: tries.append(1) if len(tries) < 3 else one.stop())
        assert one._wait_for_lock(session) is False
        assert holder.execute("SELECT 1").fetchone() == (1,)

    def test_is_free_at_once_when_its_holder_has_died(self, holder, session):
        holder.close()
        assert Relay(beat=lambda: None)._wait_for_lock(session) is True

    def test_is_taken_from_a_holder_that_says_nothing(self, holder, session, monkeypatch):
        monkeypatch.setattr(relay, "SILENT_SECONDS", 0)
        assert Relay(beat=lambda: None)._wait_for_lock(session) is True
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            holder.execute("SELECT 1")

    def test_is_not_taken_from_a_holder_whose_statement_takes_long(
        self, holder, session, monkeypatch
    ):
        monkeypatch.setattr(relay, "SILENT_SECONDS", 0)
        asking = threading.Thread(target=partial(sleep_until_cancelled, holder), daemon=True)
        asking.start()
        running = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
        pid = [holder.info.backend_pid]
        wait_until(lambda: session.execute(running, pid).fetchone(), what="the statement")
        tries: list[int] = []
        one = Relay(beat=lambda: tries.append(1) if len(tries) < 3 else one.stop())
        assert one._wait_for_lock(session) is False
        assert session.execute(running, pid).fetchone() == (1,)
        holder.cancel_safe()
        asking.join(SECONDS)


class TestPace:
    def test_lets_slow_events_wait_for_none(self):
        pace = Pace()
        for number in range(200):
            now = number * 1.05 / relay.FAST
            pace.add(now, 1)
            assert pace.seconds_to_gather(now) == 0

    def test_lets_fast_events_gather_from_the_last_batch_on(self):
        pace = Pace()
        pace.add(0.5, relay.FAST)
        pace.add(0.6, 1)
        assert pace.seconds_to_gather(0.6) == pytest.approx(relay.GATHER_SECONDS)
        assert pace.seconds_to_gather(0.7) == pytest.approx(relay.GATHER_SECONDS - 0.1)
        assert pace.seconds_to_gather(0.9) == 0

    def test_forgets_what_is_a_second_old(self):
        pace = Pace()
        pace.add(0.0, 10 * relay.FAST)
        pace.add(0.95, 1)
        assert pace.seconds_to_gather(0.95) > 0
        assert pace.seconds_to_gather(1.0) == 0


class TestRun:
    def test_ends_at_once_when_told_to_while_it_waits(self, sent, take_note, monkeypatch):
        monkeypatch.setattr(relay, "IDLE_SECONDS", 2 * SECONDS)
        monkeypatch.setattr(jobs, "_jobs", {})
        one = Relay(beat=lambda: None)
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        take_note("a")
        wait_until(partial(are_sent, sent, ["a"]), what="the event")
        one.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()

    def test_is_woken_by_an_event(self, sent, take_note, monkeypatch):
        monkeypatch.setattr(relay, "IDLE_SECONDS", 40)  # longer than an event is waited for
        monkeypatch.setattr(jobs, "_jobs", {})
        one = Relay(beat=lambda: None)
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        try:
            for texts in (["a"], ["a", "b"], ["a", "b", "c"]):
                take_note(texts[-1])
                wait_until(partial(are_sent, sent, texts), seconds=20, what=texts[-1])
        finally:
            one.stop()
            thread.join(SECONDS)

    def test_begins_the_state_row_once_and_keeps_its_epoch(self, sent):
        def run_shortly():
            one = Relay(beat=lambda: None)
            one._beat = one.stop
            one.run()

        run_shortly()
        state = RelayState.objects.get()
        assert state.position == 0
        RelayState.objects.update(position=7)
        relay_again = Relay(beat=lambda: None)
        beats = []

        def stop_at_the_second_beat():
            beats.append(1)
            if len(beats) == 2:
                relay_again.stop()

        relay_again._beat = stop_at_the_second_beat
        relay_again.run()
        assert (RelayState.objects.get().epoch, RelayState.objects.get().position) == (
            state.epoch,
            7,
        )
