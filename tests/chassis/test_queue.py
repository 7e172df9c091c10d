from types import SimpleNamespace

import pytest
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

from chassis import queue
from chassis.events import inbox
from tests.conftest import envelope
from tests.engines import free_port

pytestmark = pytest.mark.usefixtures("committing")


def note(text):
    return envelope("sample.note_taken", {"text": text}, text)


class TestReceive:
    def test_handles_each_event_of_a_message(self, notes):
        queue.receive(note("a"), note("b"), producer="order")
        assert notes() == ["a", "b"]

    def test_drops_what_is_no_event_and_handles_the_others(self, notes):
        queue.receive({"id": "x"}, note("a"), producer="order")
        assert notes() == ["a"]

    def test_gives_the_others_their_turn_before_it_fails(self, notes, monkeypatch):
        receive = inbox.receive

        def fail_at_the_first(message, producer):
            if message["subject"] == "a":
                raise LookupError("unexpected")
            receive(message, producer=producer)

        monkeypatch.setattr(inbox, "receive", fail_at_the_first)
        with pytest.raises(LookupError, match="unexpected"):
            queue.receive(note("a"), note("b"), producer="order")
        assert notes() == ["b"]

    def test_puts_all_back_when_they_take_long_and_goes_on_where_it_was(self, notes, monkeypatch):
        messages = [note("a"), note("b")]
        clock = iter([0.0, 0.0, queue.LONGEST_SECONDS + 1.0])
        with monkeypatch.context() as slow:
            slow.setattr(queue, "time", SimpleNamespace(monotonic=lambda: next(clock)))
            with pytest.raises(Reject) as caught:
                queue.receive(*messages, producer="order")
        assert getattr(caught.value, "requeue") is True  # noqa: B009 -- celery has no types for it
        assert notes() == ["a"]
        queue.receive(*messages, producer="order")
        assert notes() == ["a", "b"]


class TestDecode:
    def test_returns_the_events_of_a_message(self):
        assert queue.decode('[{"a": [1]}, 2]') == [{"a": [1]}, 2]

    @pytest.mark.parametrize("text", ["", "{}", "[", "[" * 100_000], ids=range(4))
    def test_refuses_what_is_no_list(self, text):
        with pytest.raises(inbox.Refused):
            queue.decode(text)

    @pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids="ld")
    def test_refuses_what_is_nested_too_deep(self, opened, closed):
        inner = queue.DEEPEST - 1
        queue.decode(f"[{opened * inner}1{closed * inner}]")
        with pytest.raises(inbox.Refused, match="more than 64 levels"):
            queue.decode(f"[{opened * (inner + 1)}1{closed * (inner + 1)}]")


class TestConnection:
    def test_is_tried_again_each_two_seconds_while_the_broker_is_away(self):
        pauses = []
        connection = queue.app.connection_for_read(f"redis://127.0.0.1:{free_port()}/0")

        def note_pause(_, pause):
            pauses.append(pause)
            if len(pauses) == 3:
                raise TimeoutError

        with pytest.raises(OperationalError):
            connection.ensure_connection(note_pause)
        assert pauses == [1, 2, 2]
