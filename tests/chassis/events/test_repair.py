"""What the broker lost reaches its effect, once, whoever sweeps and whatever happens meanwhile."""

import logging
import threading
from datetime import timedelta
from functools import partial

import msgspec
import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chassis.events import feed, inbox, outbox, repair, sources
from chassis.events.repair import Sweeper, sweep
from chassis.ids import uuid7
from chassis.models import EventCursor, InboxEvent, OutboxEvent, RelayState
from chassis.rest import Unavailable
from tests.chassis.events.feeding import number, settled, write
from tests.chassis.processes import wait_until
from tests.chassis.racing import race
from tests.chassis.sample.events import NoteTaken
from tests.conftest import envelope

pytestmark = pytest.mark.usefixtures("committing")

WRITTEN = 3_000
WRITERS = 8


def cursor():
    return EventCursor.objects.get(source="order")


def messages(caplog, event):
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in found if line["event"] == event]


@pytest.fixture
def pages(monkeypatch):
    """Return a function that puts pages in the place of what a publisher answers."""

    def put(*answers):
        left = list(answers)

        def read(source, place, **_):
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer(place) if callable(answer) else answer

        monkeypatch.setattr(sources, "read", read)

    return put


def page(*events, position=None, **changes):
    entries = [feed.Entry(number, event) for number, event in enumerate(events, start=1)]
    members = {"epoch": uuid7(), "position": position or len(events), "last_id": uuid7()}
    return feed.Page(**{**members, "more": False, "events": entries, **changes})


def note(text, **changes):
    return envelope("sample.note_taken", {"text": text}, "s", **changes)


def note_reads(monkeypatch, places):
    """Keep from where each page is read."""
    read = sources.read

    def keep(source, place, **options):
        places.append(place)
        return read(source, place, **options)

    monkeypatch.setattr(sources, "read", keep)


class TestSweep:
    def test_hands_over_what_the_inbox_lacks(self, notes):
        ids = write("a", "b")
        more = sweep("order", settled())
        assert notes() == ["a", "b"]
        assert not more
        assert InboxEvent.objects.filter(handled_at=None).count() == 0
        assert (cursor().position, cursor().last_id, cursor().repaired) == (2, ids[1], 2)
        assert cursor().epoch == RelayState.objects.get().epoch
        assert cursor().swept_at is not None

    def test_hands_over_what_one_consumer_of_two_lacks(self, notes):
        write("a")
        sweep("order", settled())
        InboxEvent.objects.filter(consumer="sample.check").delete()
        EventCursor.objects.all().delete()
        sweep("order", settled())
        assert notes() == ["a"]
        assert InboxEvent.objects.filter(consumer="sample.check").count() == 1
        assert cursor().repaired == 1

    def test_passes_over_what_has_failed_died_or_was_discarded(self, notes):
        write("bad", "dead", "discarded")
        sweep("order", settled())
        now = timezone.now()
        rows = InboxEvent.objects.filter(consumer="sample.keep")
        rows.filter(envelope__data__text="dead").update(handled_at=None, dead_at=now)
        rows.filter(envelope__data__text="discarded").update(effect="discarded: on purpose")
        before = list(InboxEvent.objects.order_by("id").values())
        EventCursor.objects.all().delete()
        sweep("order", settled())
        assert list(InboxEvent.objects.order_by("id").values()) == before
        assert cursor().repaired == 0

    def test_goes_on_behind_what_it_has_looked_at(self, notes, monkeypatch):
        write("a")
        sweep("order", settled())
        asked: list[feed.Place] = []
        note_reads(monkeypatch, asked)
        write("b")
        sweep("order", settled() + timedelta(minutes=1))
        assert [place.position for place in asked] == [1]
        assert notes() == ["a", "b"]

    def test_leaves_what_is_still_on_its_way(self, notes):
        write("a")
        sweep("order", timezone.now())
        assert (notes(), cursor().position) == ([], 0)

    def test_asks_once_for_all_that_a_page_lacks(self):
        write(*[str(n) for n in range(20)])
        sweep("order", settled())
        EventCursor.objects.update(position=0, last_id=None)
        with CaptureQueriesContext(connection) as queries:
            sweep("order", settled() + timedelta(minutes=1))
        # Claim, state, look, rows, missing, move.
        assert len(queries) == 6

    def test_is_three_queries_where_there_is_nothing_new(self):
        write("a")
        sweep("order", settled())
        with CaptureQueriesContext(connection) as queries:
            sweep("order", settled() + timedelta(minutes=1))
        assert len(queries) == 3

    def test_ends_after_some_pages_and_says_that_there_is_more(self, notes, monkeypatch):
        monkeypatch.setattr(repair, "PAGES", 2)
        monkeypatch.setattr(repair, "DEFAULT_LIMIT", 1)
        write("a", "b", "c")
        now = settled()
        assert sweep("order", now) is True
        assert (notes(), cursor().swept_at < now) == (["a", "b"], True)
        assert sweep("order", settled()) is False
        assert (notes(), cursor().swept_at >= now) == (["a", "b", "c"], True)

    @pytest.mark.parametrize(
        ("told", "event"),
        [({"held": True}, "events_held"), ({"pruned": 3}, "events_pruned_unread")],
    )
    def test_says_what_keeps_it_from_being_whole(self, pages, caplog, told, event):
        now = settled()
        pages(page(note("a"), **told))
        sweep("order", now)
        assert len(messages(caplog, event)) == 1
        assert (cursor().swept_at >= now) is ("held" not in told)

    def test_stops_before_the_next_event_when_told_to(self, notes):
        write("a", "b")
        sweep("order", settled(), is_stopping=lambda: notes() == ["a"])
        assert (notes(), cursor().position) == (["a"], 0)
        sweep("order", settled() + timedelta(minutes=1))
        assert notes() == ["a", "b"]

    def test_keeps_what_is_refused_and_goes_on(self, pages, notes):
        pages(
            page(
                note("a"),
                note("foreign", source="urn:souk:service:catalog"),
                {**note("no id"), "id": "none"},
                "no event",
                note("b"),
            )
        )
        sweep("order", settled())
        assert notes() == ["a", "b"]
        dead = InboxEvent.objects.filter(consumer="order.refused")
        assert dead.exclude(dead_at=None).count() == 3
        assert cursor().position == 5

    def test_keeps_what_the_inbox_fails_at_and_goes_on(self, pages, notes, monkeypatch):
        receive = inbox.receive

        def fail(message, **options):
            if message["data"]["text"] == "odd":
                raise RuntimeError("a defect")
            receive(message, **options)

        monkeypatch.setattr(inbox, "receive", fail)
        pages(page(note("odd"), note("a")))
        sweep("order", settled())
        assert notes() == ["a"]
        assert InboxEvent.objects.get(consumer="order.refused").error == "RuntimeError('a defect')"

    def test_stays_where_it_was_while_the_publisher_does_not_answer(self, pages, notes):
        pages(page(note("a"), more=True), Unavailable("gone"))
        with pytest.raises(Unavailable):
            sweep("order", settled())
        assert (notes(), cursor().position) == (["a"], 1)

    def test_stays_where_it_was_while_the_database_is_unwell(self, pages, monkeypatch):
        def fail(message, **_):
            raise OperationalError("the server closed the connection")

        monkeypatch.setattr(inbox, "receive", fail)
        pages(page(note("a")))
        with pytest.raises(OperationalError):
            sweep("order", settled())
        assert cursor().position == 0

    def test_lets_the_others_have_their_turn_where_somebody_is_at_one(self, notes):
        first, _ = write("a", "b")
        with connection.cursor() as own, psycopg.connect(**_parameters()) as other:
            own.execute("SET lock_timeout = '50ms'")
            other.execute(
                "INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, effect, "
                "attempts, error) VALUES ('sample.keep', %s, '', '', '{}', now(), '', 0, '')",
                [first],
            )
            sweep("order", settled())
            assert (notes(), cursor().position) == (["b"], 0)
            other.rollback()
            sweep("order", settled() + timedelta(minutes=1))
            own.execute("SET lock_timeout = '2s'")
        assert (notes(), cursor().position) == (["b", "a"], 2)

    def test_ends_where_a_publisher_says_more_and_does_not_go_on(self, pages):
        pages(page(note("a"), more=True), page(position=1, more=True))
        assert sweep("order", settled()) is False


def _parameters():
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in ("host", "port", "user", "password", "dbname")}


class TestTwoSweepers:
    def test_one_goes_and_the_other_passes(self, monkeypatch):
        write("a")
        reads: list[feed.Place] = []
        note_reads(monkeypatch, reads)
        now = settled()
        race([lambda: sweep("order", now)] * 8)
        assert reads == [feed.START]

    def test_take_turns_when_it_is_time_again(self, settings):
        settings.SWEEP_SECONDS = 10
        now = settled()
        number()
        sweep("order", now)
        first = cursor().swept_at
        sweep("order", now + timedelta(seconds=8))
        assert cursor().swept_at == first
        sweep("order", now + timedelta(seconds=10))
        assert cursor().swept_at > first

    def test_go_on_after_a_clock_that_was_wrong(self, settings):
        settings.SWEEP_SECONDS = 10
        now = settled()
        number()
        sweep("order", now + timedelta(days=1))
        first = cursor().swept_at
        sweep("order", now)
        assert cursor().swept_at < first

    def test_are_not_waited_for_by_a_worker_that_starts(self):
        now = settled()
        number()
        sweep("order", now)
        first = cursor().swept_at
        sweep("order", now + timedelta(seconds=0.5), at_start=True)
        assert cursor().swept_at == first
        sweep("order", now + timedelta(seconds=2), at_start=True)
        assert cursor().swept_at > first

    @pytest.mark.parametrize(
        "moved", [{"position": 7}, {"epoch": uuid7()}], ids=["on", "to another epoch"]
    )
    def test_that_was_overtaken_leaves_the_cursor_alone(self, pages, notes, moved):
        def be_overtaken(place):
            EventCursor.objects.update(**moved)
            return page(note("a"), more=True)

        pages(be_overtaken)
        assert sweep("order", settled()) is False
        assert notes() == ["a"]
        assert EventCursor.objects.filter(**moved).exists()

    def test_have_one_effect_when_both_sweep_the_same_page(self, notes):
        write(*[str(n) for n in range(30)])
        EventCursor.objects.create(source="order")
        place = feed.START
        found = feed.read("order", place=place, now=settled())
        found = msgspec.json.decode(msgspec.json.encode(found), type=feed.Page)
        race([lambda: repair._repair("order", found, lambda: False)] * 2)
        assert sorted(notes(), key=int) == [str(n) for n in range(30)]


class TestUnderLoad:
    def test_misses_none_of_what_eight_write_meanwhile(self, settings, monkeypatch):
        settings.SWEEP_SECONDS = 0
        handed: list[str] = []
        # What the handlers do would take most of the time.
        monkeypatch.setattr(inbox, "receive", lambda event, **_: handed.append(event["id"]))
        done = [threading.Event() for _ in range(WRITERS)]

        def write_some(name):
            for n in range(WRITTEN // WRITERS // 5):
                write_five(f"{name}-{n}")
            done[name].set()

        def go_on(step):
            while not all(one.is_set() for one in done):
                step()

        assert race(
            [
                *[partial(write_some, name) for name in range(WRITERS)],
                partial(go_on, number),
                partial(go_on, lambda: sweep("order", settled())),
            ]
        ) == [None] * (WRITERS + 2)
        number()
        while sweep("order", settled()):
            pass
        written = {str(one) for one in OutboxEvent.objects.values_list("id", flat=True)}
        assert len(written) == WRITTEN
        assert (len(handed), set(handed)) == (WRITTEN, written)


def write_five(subject):
    with transaction.atomic():
        for n in range(5):
            outbox.publish(NoteTaken(text=str(n)), subject=subject)


class TestSweeper:
    @pytest.fixture
    def sweeper(self, settings, monkeypatch):
        settings.SWEEP_SECONDS = 0.05
        monkeypatch.setattr(sources, "names", lambda: ["order"])
        made = Sweeper()
        yield made
        made.stop()
        assert not made._thread.is_alive()

    @pytest.fixture
    def _nothing_young(self, monkeypatch):
        monkeypatch.setattr(feed, "SETTLE_SECONDS", 0)

    @pytest.mark.usefixtures("_nothing_young")
    def test_sweeps_at_its_start_and_again_and_again(self, sweeper, notes):
        write("a")
        sweeper.start()
        wait_until(lambda: notes() == ["a"])
        write("b")
        wait_until(lambda: notes() == ["a", "b"])

    def test_tells_once_that_a_publisher_is_away_and_once_that_it_is_back(
        self, sweeper, monkeypatch, caplog
    ):
        caplog.set_level(logging.INFO)
        calls = []
        away = threading.Event()
        away.set()

        def answer(source, *_, **__):
            calls.append(source)
            if away.is_set():
                raise Unavailable("order: ConnectError")
            return False

        monkeypatch.setattr(repair, "sweep", answer)
        sweeper.start()
        wait_until(lambda: len(calls) > 3)
        away.clear()
        wait_until(lambda: messages(caplog, "sweep_recovered"))
        assert [line["error"] for line in messages(caplog, "sweep_failed")] == [
            "order: ConnectError"
        ]
        assert len(messages(caplog, "sweep_recovered")) == 1

    def test_goes_on_after_a_defect(self, sweeper, monkeypatch, caplog):
        calls = []

        def fail(source, *_, **__):
            calls.append(source)
            raise RuntimeError("a defect")

        monkeypatch.setattr(repair, "sweep", fail)
        sweeper.start()
        wait_until(lambda: len(calls) > 2)
        assert len(messages(caplog, "sweep_failed")) == 1


class TestWorker:
    def test_has_effects_and_ends_cleanly_while_the_broker_is_down(
        self, start, broker_proxy, notes
    ):
        broker_proxy.down()
        write("a")
        OutboxEvent.objects.update(time=timezone.now() - timedelta(minutes=1))
        worker = start("worker", SWEEP_SECONDS="1")
        wait_until(lambda: notes() == ["a"], what=worker.log)
        assert worker.stop() == 0, worker.log
