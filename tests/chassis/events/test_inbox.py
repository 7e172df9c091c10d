"""Exactly once in effect, whatever comes how often."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from chassis import context
from chassis.events import failures, inbox
from chassis.events.inbox import Refused
from chassis.models import InboxEvent
from tests.chassis.racing import race
from tests.chassis.sample import handlers
from tests.conftest import envelope

NAME = "sample.note_taken"


@pytest.fixture
def handling(monkeypatch):
    """Return a function that puts another function in a handler's place."""
    from dataclasses import replace

    from chassis.events import declarations

    def put(function, consumer="sample.keep"):
        changed = [
            replace(one, handler=function) if one.consumer == consumer else one
            for one in declarations.subscriptions_of(NAME)
        ]
        monkeypatch.setitem(declarations._subscriptions, NAME, changed)

    return put


def row(consumer="sample.keep"):
    return InboxEvent.objects.get(consumer=consumer)


def make_due():
    InboxEvent.objects.update(not_before=timezone.now() - timedelta(seconds=1))


class TestReceive:
    @pytest.mark.django_db
    def test_keeps_the_time_in_utc(self):
        inbox.receive(envelope(NAME, {"text": "a"}, "s", time="2026-01-02T12:00:00+23:59"))
        assert row().envelope["time"] == "2026-01-01T12:01:00Z"

    @pytest.mark.django_db
    @pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
    def test_refuses_a_time_that_is_none_of_these_days(self, time):
        with pytest.raises(Refused, match="Expected a time of these days"):
            inbox.receive(envelope(NAME, {"text": "a"}, "s", time=time))

    @pytest.mark.django_db
    def test_handles_an_event_once_for_each_consumer(self, deliver, notes):
        message = deliver(NAME, {"text": "a"}, "s")
        inbox.receive(message)
        assert notes() == ["a"]
        assert row().handled_at is not None
        assert row().effect == "kept a"
        assert row("sample.check").effect == "checked"

    @pytest.mark.django_db
    def test_runs_the_handler_in_the_context_of_the_event(self, deliver, handling):
        seen = []

        def look(_):
            seen.append(context.current())
            return ""

        handling(look)
        deliver(NAME, {"text": "a"}, requestid="mine")
        assert seen[0].request_id == "mine"
        assert seen[0].trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert seen[0].span_id != "b7ad6b7169203331"

    def test_has_one_effect_when_delivered_twice_at_once(self, committing, notes):
        message = envelope(NAME, {"text": "slow"}, "s")
        assert race([lambda: inbox.receive(message)] * 2) == [None, None]
        assert notes() == ["slow"]
        assert InboxEvent.objects.filter(handled_at=None).count() == 0

    def test_has_one_effect_when_the_first_of_two_deliveries_fails(
        self, committing, notes, handling
    ):
        first = threading.Event()

        def fail_once(note):
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO sample_note (text) VALUES (%s)", [note.text])
            if not first.is_set():
                first.set()
                raise LookupError("the first")
            return "kept"

        handling(fail_once)
        message = envelope(NAME, {"text": "a"}, "s")
        race([lambda: inbox.receive(message)] * 2)
        make_due()
        inbox.retry_due()
        assert notes() == ["a"]
        assert row().handled_at is not None

    @pytest.mark.django_db
    def test_keeps_a_failure_and_undoes_what_the_handler_did(self, deliver, handling, notes):
        def fail(note):
            handlers.keep_note(note)
            raise LookupError("nul \0 and surrogate \ud800")

        handling(fail)
        before = timezone.now()
        deliver(NAME, {"text": "a"})
        assert notes() == []
        assert (row().attempts, row().handled_at, row().dead_at) == (1, None, None)
        assert "LookupError: nul \\0 and surrogate \\ud800" in row().error
        assert timedelta(seconds=0.5) <= row().not_before - before <= timedelta(seconds=1.5)

    @pytest.mark.django_db
    def test_lets_no_consumer_wait_for_anothers_failure(self, deliver, notes):
        deliver(NAME, {"text": "bad"})
        assert notes() == ["bad"]
        assert "LookupError: bad" in row("sample.check").error
        deliver(NAME, {"text": "next"})
        assert notes() == ["bad", "next"]

    @pytest.mark.django_db
    def test_gives_up_at_once_on_a_payload_that_does_not_fit(self, deliver):
        deliver(NAME, {"text": 5})
        assert row().dead_at is not None
        assert row().not_before is None
        assert "Expected `str`, got `int` - at `$.text`" in row().error
        assert inbox.retry_due() == 0

    @pytest.mark.django_db
    def test_ignores_fields_that_it_does_not_know(self, deliver, notes):
        deliver(NAME, {"text": "a", "added_in_a_later_release": 1})
        assert notes() == ["a"]

    @pytest.mark.django_db
    def test_keeps_an_event_that_nobody_handles(self, deliver):
        message = deliver("sample.unheard_of", {})
        inbox.receive(message)
        assert row("order.unknown").dead_at is not None
        assert row("order.unknown").error == "no handler of sample.unheard_of in order"

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "change",
        [
            {"specversion": "2.0"},
            {"id": "no uuid"},
            {"data": [1]},
            {"time": "yesterday"},
            {"type": 5},
            {"data": {"text": "nul \0"}},
            {"subject": "s" * 201},
            {"subject": "nul \0"},
        ],
    )
    def test_refuses_what_is_no_event_or_cannot_be_kept(self, change):
        with pytest.raises(Refused):
            inbox.receive({**envelope(NAME, {"text": "a"}, "s"), **change})
        assert not InboxEvent.objects.exists()

    @pytest.mark.django_db
    @pytest.mark.parametrize("message", [None, [], "text", 5, {}])
    def test_refuses_other_json(self, message):
        with pytest.raises(Refused):
            inbox.receive(message)

    @pytest.mark.django_db
    def test_leaves_no_trace_while_the_database_is_unwell(self, handling, notes):
        def lose_the_database(note):
            raise OperationalError("server closed the connection unexpectedly")

        handling(lose_the_database)
        with pytest.raises(OperationalError):
            inbox.receive(envelope(NAME, {"text": "a"}, "s"))
        assert not InboxEvent.objects.exists()

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)", "statement timeout"),
            (
                "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$",
                "OperationalError: x",
            ),
        ],
    )
    def test_keeps_the_failure_of_a_statement_so_that_it_blocks_nobody(
        self, deliver, handling, statement, error
    ):
        def run(note):
            with connection.cursor() as cursor:
                cursor.execute(statement)

        handling(run)
        deliver(NAME, {"text": "a"})
        assert row().attempts == 1
        assert error in row().error


class TestRetryDue:
    @pytest.mark.django_db
    def test_leaves_alone_what_is_not_due(self, deliver):
        deliver(NAME, {"text": "bad"})
        assert inbox.retry_due() == 0
        assert row("sample.check").attempts == 1

    @pytest.mark.django_db
    def test_handles_what_no_longer_fails(self, deliver, handling, notes):
        deliver(NAME, {"text": "bad"})
        handling(lambda note: f"looked at {note.text}", "sample.check")
        make_due()
        assert inbox.retry_due() == 1
        assert row("sample.check").effect == "looked at bad"
        assert row("sample.check").not_before is None
        assert inbox.retry_due() == 0

    @pytest.mark.django_db
    def test_waits_longer_each_time_and_gives_up_at_last(self, deliver):
        deliver(NAME, {"text": "bad"})
        waits = []
        for _ in range(failures.MAX_ATTEMPTS - 1):
            make_due()
            before = timezone.now()
            assert inbox.retry_due() == 1
            if row("sample.check").not_before:
                waits.append((row("sample.check").not_before - before).total_seconds())
        longest = [2, 4, 8, 16, 32, 60]
        assert len(waits) == len(longest)
        for wait, most in zip(waits, longest, strict=True):
            assert most / 2 <= wait <= most + 0.5
        dead = row("sample.check")
        assert dead.attempts == failures.MAX_ATTEMPTS
        assert dead.dead_at is not None
        make_due()
        assert inbox.retry_due() == 0

    @pytest.mark.django_db
    def test_goes_on_behind_an_event_that_fails(self, deliver, handling, notes):
        def fail(note):
            raise LookupError

        handling(fail)
        for text in ("one", "two", "three"):
            deliver(NAME, {"text": text})
        handling(lambda note: handlers.keep_note(note) if note.text != "one" else fail(note))
        make_due()
        assert inbox.retry_due() == 3
        assert sorted(notes()) == ["three", "two"]

    @pytest.mark.django_db
    def test_counts_a_kept_event_that_this_release_cannot_read_as_failed(self, deliver, notes):
        deliver(NAME, {"text": "bad"})
        deliver(NAME, {"text": "bad too"})
        InboxEvent.objects.filter(envelope__data__text="bad").update(envelope={"id": 1})
        make_due()
        assert inbox.retry_due() == 2
        assert {one.attempts for one in InboxEvent.objects.filter(consumer="sample.check")} == {2}

    def test_tries_an_event_once_when_two_run_at_once(self, committing, handling):
        tries = []

        def fail(note):
            tries.append(note.text)
            raise LookupError

        handling(fail, "sample.check")
        for number in range(5):
            inbox.receive(envelope(NAME, {"text": f"{number}"}, "s"))
        tries.clear()
        make_due()
        assert sum(race([inbox.retry_due] * 2)) == 5
        assert sorted(tries) == ["0", "1", "2", "3", "4"]

    @pytest.mark.django_db(transaction=True)
    def test_is_not_confused_by_a_handler_that_broke_its_transaction(self, deliver, handling):
        def break_it(note):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")

        handling(break_it)
        deliver(NAME, {"text": "a"})
        make_due()
        assert inbox.retry_due() == 1
        assert row().attempts == 2
        assert "division by zero" in row().error
