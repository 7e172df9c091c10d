"""A consumer that must not skip an event is given a subject's events in their order, or late."""

import itertools
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from chassis import database
from chassis.events import declarations, inbox, turns
from chassis.events.declarations import Order
from chassis.models import AuditEntry, InboxEvent
from tests.chassis.racing import race
from tests.chassis.sample import handlers
from tests.conftest import envelope

NAME = "sample.note_taken"
KEEP = "sample.keep"


@pytest.fixture
def gapless(monkeypatch):
    """Return a function that makes the sample's one consumer gapless, with a handler of the test's."""

    def put(handler=handlers.keep_note, order=Order.GAPLESS):
        only = next(one for one in declarations.subscriptions_of(NAME) if one.consumer == KEEP)
        changed = [replace(only, handler=handler, order=order)]
        monkeypatch.setitem(declarations._subscriptions, NAME, changed)

    put()
    return put


def event(number, subject="s", **changes):
    return envelope(NAME, {"text": f"{number}"}, subject, sequence=str(number), **changes)


def row(message):
    return InboxEvent.objects.get(consumer=KEEP, event_id=message["id"])


def later(seconds):
    return timezone.now() + timedelta(seconds=seconds)


class TestAnEventThatComesTooEarly:
    @pytest.mark.django_db
    def test_waits_for_its_predecessor_and_is_handled_behind_it(self, gapless, notes):
        second = event(2)
        inbox.receive(second)
        assert notes() == []
        kept = row(second)
        assert (kept.attempts, kept.error, kept.handled_at, kept.dead_at) == (0, "", None, None)
        looked_at_after = (kept.not_before - kept.received_at).total_seconds()
        assert looked_at_after == pytest.approx(turns.LOOK_SECONDS, abs=0.1)
        inbox.receive(event(1))
        assert notes() == ["1", "2"]
        assert row(second).not_before is None

    @pytest.mark.django_db
    @pytest.mark.parametrize("arrival", list(itertools.permutations([1, 2, 3, 4])), ids=str)
    def test_is_handled_in_its_order_however_they_come_and_in_one_pass(
        self, gapless, notes, arrival
    ):
        for number in arrival:
            inbox.receive(event(number))
        assert notes() == ["1", "2", "3", "4"]

    @pytest.mark.django_db
    def test_is_looked_at_again_each_second_and_applied_after_a_minute(
        self, gapless, notes, caplog
    ):
        message = event(5)
        inbox.receive(message)
        for second in (2, 30, 58):
            assert inbox.retry_due(now=later(second)) == 0
            assert row(message).not_before > later(second)
        assert notes() == []
        assert inbox.retry_due(now=later(turns.LONGEST_WAIT_SECONDS + 1)) == 1
        assert notes() == ["5"]
        assert "event_gap_passed" in caplog.text

    @pytest.mark.django_db
    def test_takes_those_behind_it_along(self, gapless, notes, caplog):
        for number in (4, 3, 2):
            inbox.receive(event(number))
        InboxEvent.objects.exclude(envelope__sequence="2").update(not_before=later(9999))
        assert inbox.retry_due(now=later(61)) == 1
        assert notes() == ["2", "3", "4"]
        assert caplog.text.count("event_gap_passed") == 1

    @pytest.mark.django_db
    def test_waits_for_no_other_subject_and_no_other_consumer(self, gapless, notes):
        inbox.receive(event(1, "other"))
        InboxEvent.objects.update(consumer="sample.check")
        inbox.receive(event(1, "another"))
        inbox.receive(event(2, "s"))
        inbox.receive(event(2, "other"))
        assert notes() == ["1", "1"]

    @pytest.mark.django_db
    def test_does_not_wait_where_order_does_not_matter(self, gapless, notes):
        gapless(order=Order.ANY)
        for number in (3, 1, 2):
            inbox.receive(event(number))
        assert notes() == ["3", "1", "2"]

    @pytest.mark.django_db
    def test_is_handled_once_when_it_comes_twice(self, gapless, notes):
        second = event(2)
        for message in (second, second, event(1), second):
            inbox.receive(message)
        assert notes() == ["1", "2"]

    @pytest.mark.django_db
    def test_does_not_hide_behind_the_many_that_wait(self, gapless, notes, monkeypatch):
        for number in range(60):
            inbox.receive(event(2, f"subject-{number}"))
        failed = event(1, "failed")
        gapless(lambda _: 1 / 0)
        inbox.receive(failed)
        gapless()
        InboxEvent.objects.filter(event_id=failed["id"]).update(not_before=later(3))
        assert inbox.retry_due(limit=1, now=later(4)) == 1
        assert notes() == ["1"]


class TestAPredecessor:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("state", "applied"),
        [
            ({"handled_at": None, "dead_at": "now"}, True),
            ({"handled_at": "now", "effect": "discarded: of no use"}, True),
            ({"handled_at": None, "attempts": 3, "not_before": "now", "error": "x"}, False),
        ],
        ids=["dead", "discarded", "failing"],
    )
    def test_holds_up_only_while_it_may_still_come(self, gapless, notes, state, applied):
        inbox.receive(event(1))
        now = timezone.now()
        InboxEvent.objects.update(**{k: now if v == "now" else v for k, v in state.items()})
        inbox.receive(event(2))
        assert notes() == (["1", "2"] if applied else ["1"])

    @pytest.mark.django_db
    def test_that_dies_lets_the_next_one_go_on(self, gapless, notes):
        inbox.receive(event(2))
        assert notes() == []
        inbox.receive({**event(1), "data": {"text": 5}})
        assert notes() == ["2"]

    @pytest.mark.django_db
    def test_is_not_passed_by_who_handles_the_next_one_once_more(self, gapless, notes):
        inbox.receive(event(2))
        (one,) = declarations.subscriptions_of(NAME)
        assert not inbox.receive_for(
            one, event(2, id=str(InboxEvent.objects.get().event_id)), again=True
        )
        assert notes() == []
        assert not AuditEntry.objects.exists()

    @pytest.mark.django_db
    def test_that_fails_at_first_is_followed_as_soon_as_it_is_handled(self, gapless, notes):
        inbox.receive(event(2))
        gapless(lambda _: 1 / 0)
        inbox.receive(event(1))
        assert inbox.retry_due(now=later(0.4)) == 0
        gapless()
        InboxEvent.objects.filter(attempts=1).update(not_before=timezone.now())
        assert inbox.retry_due() == 1
        assert notes() == ["1", "2"]


class TestTwoWorkers:
    def test_lose_no_event_that_comes_while_its_predecessor_is_handled(
        self, committing, gapless, notes
    ):
        """The second is received before the first one's commit, and after its handler began."""
        begun, received = threading.Event(), threading.Event()

        def handle(note):
            done = handlers.keep_note(note)
            if note.text == "1":
                begun.set()
                assert received.wait(30)
            return done

        def second():
            assert begun.wait(30)
            inbox.receive(event(2))
            received.set()

        gapless(handle)
        assert race([lambda: inbox.receive(event(1)), second]) == [None, None]
        assert notes() == ["1", "2"]

    def test_lose_no_event_that_neither_saw_of_the_other(
        self, committing, gapless, notes, monkeypatch
    ):
        """The second is received between the first one's last statement and its commit."""
        done, received = threading.Event(), threading.Event()
        fetch = database.fetch

        def do_and_wait(statement, parameters, **options):
            rows = fetch(statement, parameters, **options)
            if statement == inbox._HANDLED and not done.is_set():
                done.set()
                assert received.wait(30)
            return rows

        def second():
            assert done.wait(30)
            inbox.receive(event(2))
            received.set()

        monkeypatch.setattr(inbox, "fetch", do_and_wait)
        assert race([lambda: inbox.receive(event(1)), second]) == [None, None]
        assert notes() == ["1", "2"]

    def test_handle_a_shuffled_history_once_and_in_order(self, committing, gapless, notes):
        messages = [event(number) for number in (4, 1, 6, 2, 5, 3)]
        race([partial(inbox.receive, message) for message in messages])
        assert notes() == ["1", "2", "3", "4", "5", "6"]


class TestCost:
    @pytest.mark.django_db
    @pytest.mark.parametrize("order", list(Order), ids=lambda order: order.value)
    def test_is_one_query_for_those_that_must_not_skip(
        self, gapless, django_assert_num_queries, order
    ):
        gapless(order=order)
        inbox.receive(event(1))
        for number in (2, 3):
            # begin, claim, note, mark, end; and who waits
            with django_assert_num_queries(6 if order is Order.GAPLESS else 5):
                inbox.receive(event(number))
