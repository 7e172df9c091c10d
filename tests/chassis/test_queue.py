from types import SimpleNamespace

import pytest
from celery.exceptions import Reject

from chassis import queue
from chassis.events import inbox
from tests.conftest import envelope

pytestmark = pytest.mark.usefixtures("committing")


def note(text):
    return envelope("sample.note_taken", {"text": text}, text)


class TestDeliver:
    def test_handles_each_event_of_a_message(self, notes):
        queue.deliver(note("a"), note("b"))
        assert notes() == ["a", "b"]

    def test_drops_what_is_no_event_and_handles_the_others(self, notes):
        queue.deliver({"id": "x"}, note("a"))
        assert notes() == ["a"]

    def test_gives_the_others_their_turn_before_it_fails(self, notes, monkeypatch):
        receive = inbox.receive

        def fail_at_the_first(message):
            if message["subject"] == "a":
                raise LookupError("unexpected")
            receive(message)

        monkeypatch.setattr(inbox, "receive", fail_at_the_first)
        with pytest.raises(LookupError, match="unexpected"):
            queue.deliver(note("a"), note("b"))
        assert notes() == ["b"]

    def test_puts_all_back_when_they_take_long_and_goes_on_where_it_was(self, notes, monkeypatch):
        messages = [note("a"), note("b")]
        clock = iter([0.0, 0.0, queue.LONGEST_SECONDS + 1.0])
        with monkeypatch.context() as slow:
            slow.setattr(queue, "time", SimpleNamespace(monotonic=lambda: next(clock)))
            with pytest.raises(Reject) as caught:
                queue.deliver(*messages)
        assert getattr(caught.value, "requeue") is True  # noqa: B009 -- celery has no types for it
        assert notes() == ["a"]
        queue.deliver(*messages)
        assert notes() == ["a", "b"]
