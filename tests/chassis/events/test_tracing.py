"""One trace from the request that caused an event to all that follows from it, whichever way it came."""

import pytest
from django.utils import timezone

from chassis import context
from chassis.events import declarations, inbox, outbox
from chassis.models import InboxEvent, OutboxEvent
from tests.chassis.sample.events import NoteTaken
from tests.conftest import envelope

NAME = "sample.note_taken"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def consumer(monkeypatch):
    """Let a handler fail at first and then publish; return the contexts it ran in."""
    seen = []

    def handle(note):
        seen.append(context.current())
        if len(seen) == 1:
            raise LookupError("not yet")
        outbox.publish(NoteTaken(text="in turn"), subject="next")
        return "done"

    one = declarations.Subscription(
        name=NAME, consumer="sample.keep", payload=NoteTaken, handler=handle
    )
    monkeypatch.setitem(declarations._subscriptions, NAME, [one])
    return one, seen


def lines(caplog, event):
    """Return request id, trace and span of the log's lines of an event."""
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [
        (line["request_id"], line["trace_id"], line["span_id"])
        for line in found
        if line["event"] == event
    ]


@pytest.mark.django_db
class TestTrace:
    def test_of_an_event_goes_on_through_a_failure_a_retry_and_what_is_published(
        self, consumer, caplog
    ):
        caplog.set_level("INFO")
        _, seen = consumer
        inbox.receive(envelope(NAME, {"text": "a"}, "s", requestid="mine", traceparent=TRACE))
        InboxEvent.objects.update(not_before=timezone.now())
        assert inbox.retry_due() == 1
        first, second = seen
        assert {(one.request_id, one.trace_id) for one in seen} == {("mine", TRACE[3:35])}
        assert len({TRACE[36:52], first.span_id, second.span_id}) == 3
        assert lines(caplog, "event_failed") == [("mine", first.trace_id, first.span_id)]
        assert lines(caplog, "event_handled") == [("mine", second.trace_id, second.span_id)]
        published = OutboxEvent.objects.get()
        assert (published.request_id, published.traceparent) == ("mine", second.traceparent)

    def test_of_an_event_goes_on_where_it_is_handled_once_more(self, consumer):
        one, seen = consumer
        message = envelope(NAME, {"text": "a"}, "s", requestid="mine", traceparent=TRACE)
        inbox.receive_for(one, message)
        inbox.receive_for(one, message, again=True)
        assert [(each.request_id, each.trace_id) for each in seen] == [("mine", TRACE[3:35])] * 2
        assert seen[0].span_id != seen[1].span_id

    @pytest.mark.parametrize("hostile", ["", "a\nb", "x" * 1000, "<script>"])
    def test_is_made_anew_for_an_event_that_brings_none(self, consumer, hostile):
        _, seen = consumer
        inbox.receive(envelope(NAME, {"text": "a"}, "s", requestid=hostile, traceparent=hostile))
        assert seen[0].request_id != hostile
        assert len(seen[0].traceparent) == len(TRACE)
