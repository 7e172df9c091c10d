"""What is deleted when its time is over, and what never is."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from chassis import jobs, retention
from chassis.events import inbox, outbox
from chassis.ids import uuid7
from chassis.jobs import Job
from chassis.management.commands.prune import Command
from chassis.models import DenyEntry, InboxEvent, OutboxEvent
from chassis.tokens import deny

NOW = timezone.now()


def add_event(position, *, published_days_ago=None, days_ago=None):
    """Add an event to the outbox; return its id."""
    published = None if published_days_ago is None else NOW - timedelta(days=published_days_ago)
    row = OutboxEvent.objects.create(
        type="note.taken",
        version=1,
        subject=f"note-{position}",
        sequence=1,
        time=NOW - timedelta(days=published_days_ago if days_ago is None else days_ago),
        data={},
        request_id="",
        traceparent="",
        position=position,
        published_at=published,
    )
    return row.id


def add_handled(*, handled_days_ago=None, dead_days_ago=None, days_ago):
    """Add an event to the inbox; return its id."""
    at = {
        name: None if days is None else NOW - timedelta(days=days)
        for name, days in (("handled_at", handled_days_ago), ("dead_at", dead_days_ago))
    }
    row = InboxEvent.objects.create(
        consumer="order",
        event_id=uuid7(),
        type="note.taken",
        subject="note",
        envelope={},
        received_at=NOW - timedelta(days=days_ago),
        **at,
    )
    return row.id


@pytest.fixture
def _no_rules(monkeypatch):
    monkeypatch.setattr(retention, "_rules", {})
    monkeypatch.setattr(jobs, "_jobs", {})


@pytest.mark.usefixtures("_no_rules")
class TestRule:
    def test_runs_by_prune_and_each_hour_by_itself(self):
        times = []

        @retention.rule("things")
        def delete_things(now):
            times.append(now)
            return 3

        assert list(retention.prune(now=NOW)) == [("things", 3)]
        assert times == [NOW]
        (job,) = jobs._jobs.values()
        assert (job.name, job.seconds) == ("retention.things", 3600)
        job.run()
        assert len(times) == 2
        assert times[1] >= NOW

    def test_refuses_a_second_one_of_a_name(self):
        retention.rule("things")(lambda now: 0)
        with pytest.raises(ValueError, match="the retention rule things is declared twice"):
            retention.rule("things")(lambda now: 0)

    @pytest.mark.django_db
    def test_does_not_stop_another_when_it_fails(self, caplog):
        ran = []

        @retention.rule("broken")
        def fail(now):
            raise LookupError("nothing")

        @retention.rule("sound")
        def delete_things(now):
            ran.append(now)
            return 0

        for job in jobs._jobs.values():
            jobs._run(Job(job.name, job.seconds, job.run))
        assert len(ran) == 1
        assert "job_failed" in caplog.text


@pytest.mark.django_db
class TestOutbox:
    def test_loses_what_was_published_before_the_time(self):
        add_event(1, published_days_ago=31)
        kept = add_event(2, published_days_ago=29)
        assert outbox.delete_published(before=NOW - timedelta(days=30)) == 1
        assert OutboxEvent.objects.get().id == kept

    def test_keeps_what_is_not_published_however_old(self):
        add_event(1, days_ago=400)
        add_event(None, days_ago=400)
        add_event(3, published_days_ago=1, days_ago=400)
        add_event(4, published_days_ago=399)
        assert outbox.delete_published(before=NOW - timedelta(days=30)) == 1
        assert set(OutboxEvent.objects.values_list("position", flat=True)) == {1, 3, None}

    def test_is_emptied_in_batches_past_those_that_stay(
        self, monkeypatch, django_assert_num_queries
    ):
        monkeypatch.setattr(retention, "BATCH", 2)
        for position in range(1, 8):
            add_event(position, published_days_ago=None if position < 4 else 40, days_ago=40)
        add_event(8, published_days_ago=1)
        for position in range(9, 13):
            add_event(position, published_days_ago=1)
        with django_assert_num_queries(4):  # and does not look at the young ones behind
            assert outbox.delete_published(before=NOW - timedelta(days=30)) == 4
        assert OutboxEvent.objects.count() == 8
        assert outbox.delete_published(before=NOW - timedelta(days=30)) == 0


@pytest.mark.django_db
class TestInbox:
    def test_loses_what_was_handled_before_the_time(self):
        add_handled(days_ago=61, handled_days_ago=61)
        kept = add_handled(days_ago=61, handled_days_ago=59)
        assert inbox.delete_handled(before=NOW - timedelta(days=60)) == 1
        assert InboxEvent.objects.get().id == kept

    def test_keeps_what_waits_and_what_is_dead_however_old(self):
        add_handled(days_ago=400, dead_days_ago=399)
        add_handled(days_ago=400)
        assert inbox.delete_handled(before=NOW - timedelta(days=60)) == 0
        assert InboxEvent.objects.count() == 2

    def test_is_emptied_in_batches_past_those_that_stay(self, monkeypatch):
        monkeypatch.setattr(retention, "BATCH", 2)
        for _ in range(4):
            add_handled(days_ago=70, dead_days_ago=70)
        for _ in range(3):
            add_handled(days_ago=70, handled_days_ago=70)
        assert inbox.delete_handled(before=NOW - timedelta(days=60)) == 3
        assert InboxEvent.objects.count() == 4


@pytest.mark.django_db
class TestPrune:
    def test_follows_the_settings(self, settings):
        settings.OUTBOX_RETENTION_DAYS, settings.INBOX_RETENTION_DAYS = 5, 10
        add_event(1, published_days_ago=6)
        add_event(2, published_days_ago=4)
        add_handled(days_ago=11, handled_days_ago=11)
        add_handled(days_ago=9, handled_days_ago=9)
        deny.deny(uuid7(), not_before=NOW - timedelta(days=1))
        deny.deny(uuid7(), not_before=NOW)
        out = io.StringIO()
        call_command("prune", stdout=out)
        deleted = ("deny_entries: 1 deleted", "inbox: 1 deleted", "outbox: 1 deleted")
        assert set(deleted) <= set(out.getvalue().splitlines())
        assert (OutboxEvent.objects.count(), InboxEvent.objects.count()) == (1, 1)
        assert DenyEntry.objects.count() == 1
        out = io.StringIO()
        call_command("prune", "--json", stdout=out)
        deleted_now = json.loads(out.getvalue())
        assert deleted_now.keys() >= {"deny_entries", "inbox", "outbox"}
        assert not any(deleted_now.values())

    def test_shows_examples_in_its_help(self):
        shown = Command().create_parser("manage.py order", "prune").format_help()
        assert "\nExamples:\n  manage.py order prune\n      Delete, and print" in shown
