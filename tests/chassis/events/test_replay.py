"""What a consumer that is new, or was repaired, gets of the past."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chassis.events import replay, sources
from chassis.models import AuditEntry, EventCursor, InboxEvent, OutboxEvent
from chassis.rest import Unavailable
from tests.chassis.events.feeding import NAME, write

pytestmark = pytest.mark.usefixtures("committing")

WEEK_AGO = (timezone.now() - timedelta(days=7)).isoformat()


def run(*arguments, consumer="sample.keep", since=WEEK_AGO):
    out, progress = StringIO(), StringIO()
    options = ["--from", since, "--consumer", consumer, *arguments]
    call_command("replay", *options, stdout=out, stderr=progress)
    return out.getvalue().strip()


def write_hours_ago(*texts):
    """Publish notes, the first as many hours ago as there are, the last an hour ago."""
    ids = write(*texts)
    for hours, event_id in enumerate(reversed(ids), start=1):
        time = timezone.now() - timedelta(hours=hours)
        OutboxEvent.objects.filter(id=event_id).update(time=time)
    return ids


def rows(consumer):
    return InboxEvent.objects.filter(consumer=consumer)


class TestReplay:
    def test_hands_what_is_missing_to_that_consumer_alone(self, notes):
        write_hours_ago("a", "b")
        assert run() == ("2 events found, 0 of them known to it before, 2 handed to sample.keep.")
        assert notes() == ["a", "b"]
        assert not rows("sample.check").exists()

    def test_passes_over_what_the_consumer_has(self, notes):
        write_hours_ago("a", "b")
        run("--to", (timezone.now() - timedelta(hours=1, minutes=30)).isoformat())
        assert notes() == ["a"]
        assert run().endswith("1 of them known to it before, 1 handed to sample.keep.")
        assert notes() == ["a", "b"]

    def test_takes_a_window_that_begins_with_its_first_moment_and_ends_before_its_last(self, notes):
        write_hours_ago("a", "b", "c")
        times = dict(OutboxEvent.objects.values_list("data__text", "time"))
        run("--to", times["c"].isoformat(), since=times["b"].isoformat())
        assert notes() == ["b"]

    def test_goes_page_by_page(self, notes, monkeypatch):
        monkeypatch.setattr(replay, "LARGEST_LIMIT", 2)
        write_hours_ago(*"abcde")
        assert run().startswith("5 events found")
        assert notes() == list("abcde")

    def test_counts_alone_on_a_dry_run(self, notes):
        write_hours_ago("a", "b")
        run("--to", (timezone.now() - timedelta(hours=1, minutes=30)).isoformat())
        told = run("--dry-run")
        assert told.endswith("1 of them known to it before, 1 would be handed to sample.keep.")
        assert run("--dry-run", "--again").endswith("2 would be handed to sample.keep.")
        assert notes() == ["a"]
        assert AuditEntry.objects.count() == 1

    def test_hands_over_again_what_it_has_when_told_to(self, notes):
        (first, _) = write_hours_ago("a", "b")
        run()
        rows("sample.keep").filter(event_id=first).update(handled_at=None, dead_at=timezone.now())
        told = run("--again")
        assert told.endswith("2 of them known to it before, 2 handed to sample.keep.")
        assert notes() == ["a", "b", "a", "b"]
        assert not rows("sample.keep").filter(handled_at=None).exists()

    def test_leaves_the_sweeps_cursor_alone(self):
        write_hours_ago("a")
        run()
        assert not EventCursor.objects.exists()

    def test_is_audited(self):
        write_hours_ago("a")
        run("--event", NAME, "--again")
        entry = AuditEntry.objects.get(action="events.replayed")
        assert (entry.target_type, entry.target_id) == ("consumer", "sample.keep")
        assert (entry.details["event"], entry.details["again"]) == (NAME, True)

    def test_keeps_a_failure_for_the_retries(self):
        write_hours_ago("bad")
        run(consumer="sample.check")
        assert rows("sample.check").get().attempts == 1

    def test_may_be_run_again_after_it_was_interrupted(self, notes, monkeypatch):
        monkeypatch.setattr(replay, "LARGEST_LIMIT", 1)
        write_hours_ago("a", "b")
        read, calls = sources.read, []

        def fail_at_the_third(*arguments, **options):
            calls.append(arguments)
            if len(calls) == 3:
                raise Unavailable("order: ConnectError")
            return read(*arguments, **options)

        monkeypatch.setattr(sources, "read", fail_at_the_third)
        with pytest.raises(CommandError, match=r"Stopped after 1 event: order: ConnectError\. Run"):
            run()
        assert notes() == ["a"]
        assert run().endswith("1 of them known to it before, 1 handed to sample.keep.")
        assert notes() == ["a", "b"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (
                ["--consumer", "order.nobody"],
                r"^There is no consumer order\.nobody\. There are: .*sample\.keep",
            ),
            (
                ["--event", "order.paid"],
                r"^sample\.keep does not handle order\.paid, but sample\.note_taken\.$",
            ),
            (["--from", "yesterday"], r"^--from: yesterday is no time in ISO 8601"),
            (["--to", "1"], r"^--to: 1 is no time in ISO 8601"),
            (["--to", "2020-01-01"], r"^--to must be after --from\.$"),
            (["--from", "2222-01-01"], r"^--from is in the future\.$"),
            (["--from", "2222-01-01", "--to", "2222-01-02"], r"^--from is in the future\.$"),
        ],
        ids=["consumer", "event", "from", "to", "order", "future", "later"],
    )
    def test_are_one_sentence(self, options, sentence):
        with pytest.raises(CommandError, match=sentence):
            run(*options)

    def test_name_the_oldest_event_that_is_kept(self, notes):
        first, _ = write_hours_ago("a", "b")
        OutboxEvent.objects.filter(id=first).delete()
        kept = OutboxEvent.objects.get().time
        sentence = f"^order keeps events since {kept.isoformat(timespec='seconds')} only"
        with pytest.raises(CommandError, match=sentence.replace("+", r"\+")):
            run()
        assert not AuditEntry.objects.exists()
        run(since=kept.isoformat())
        assert notes() == ["b"]
