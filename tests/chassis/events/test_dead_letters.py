"""The ways out for what a handler gave up on, and for what was refused."""

import json
from datetime import timedelta
from io import StringIO

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chassis.events import dead_letters, inbox, outbox
from chassis.events.dead_letters import RedriveImpossible
from chassis.ids import uuid7
from chassis.models import AuditEntry, InboxEvent, OutboxEvent
from chassis.tasks import delete_handled_events, delete_published_events
from tests.chassis.racing import race
from tests.conftest import envelope

NAME = "sample.note_taken"
CHECK = "sample.check"

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead():
    """Return a function that makes an event a dead letter of `sample.check`."""

    def make(text="a", subject="s", died=timedelta(0)):
        message = envelope(NAME, {"text": text}, subject)
        inbox.receive(message)
        InboxEvent.objects.filter(consumer=CHECK, event_id=message["id"]).update(
            handled_at=None,
            effect="",
            attempts=8,
            error="x\nLookupError: a",
            not_before=None,
            dead_at=timezone.now() - died,
        )
        return message

    return make


def row(event_id, consumer=CHECK):
    return InboxEvent.objects.get(consumer=consumer, event_id=event_id)


def audited():
    return list(AuditEntry.objects.order_by("id").values_list("action", "target_id", "details"))


def run(*arguments):
    out = StringIO()
    call_command("dead_letters", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestDiscard:
    def test_gives_an_event_up_for_good_and_is_audited(self, dead, notes):
        message, by = dead(), uuid7()
        event_id = message["id"]
        assert dead_letters.discard(CHECK, event_id, reason="of no use", by=by) is True
        kept = row(event_id)
        assert (kept.dead_at, kept.not_before) == (None, None)
        assert kept.handled_at is not None
        assert kept.effect == "discarded: of no use"
        assert audited() == [
            ("event.discarded", event_id, {"consumer": CHECK, "reason": "of no use"})
        ]
        assert AuditEntry.objects.get().actor_id == by
        inbox.receive(message)
        assert inbox.retry_due(now=timezone.now() + timedelta(hours=1)) == 0
        assert row(event_id).effect == "discarded: of no use"

    def test_leaves_what_is_not_dead_alone(self, dead):
        event_id = dead()["id"]
        assert dead_letters.discard("sample.keep", event_id, reason="x", by=None) is False
        assert dead_letters.discard(CHECK, event_id, reason="x", by=None) is True
        assert dead_letters.discard(CHECK, event_id, reason="x", by=None) is False
        assert len(audited()) == 1

    def test_keeps_all_of_the_longest_reason(self, dead):
        event_id = dead()["id"]
        reason = "r" * dead_letters.LONGEST_REASON
        dead_letters.discard(CHECK, event_id, reason=reason, by=None)
        assert row(event_id).effect == f"discarded: {reason}"

    def test_and_a_redrive_at_once_leave_one_of_the_two(self, committing, dead):
        event_id = dead()["id"]
        ways = [
            lambda: dead_letters.discard(CHECK, event_id, reason="x", by=None),
            lambda: dead_letters.redrive(CHECK, event_id, by=None),
        ]
        assert sorted(race(ways)) == [False, True]
        assert len(audited()) == 1


class TestARefusedMessage:
    def refuse(self, message, producer="order"):
        dead_letters.refuse(message, reason="no event", producer=producer)
        return InboxEvent.objects.get(consumer="order.refused")

    def test_is_handled_once_this_release_takes_it_for_an_event(self, notes):
        message = envelope(NAME, {"text": "a"}, "s")
        kept = self.refuse(message)
        assert dead_letters.redrive("order.refused", kept.event_id, by=None) is True
        kept.refresh_from_db()
        assert (kept.dead_at, kept.effect) == (None, "handed to sample.keep, sample.check")
        assert inbox.retry_due() == 2
        inbox.receive(message)
        assert notes() == ["a"]

    @pytest.mark.parametrize(
        ("message", "producer", "reason"),
        [
            ("\x80 no JSON", "order", "The message is no event: Expected `object`, got `str`"),
            ({"id": 5}, "order", "The message is no event: "),
            (envelope(NAME, {"text": "a"}, "s"), None, "Who sent the message is not known"),
            (envelope(NAME, {"text": "a"}, "s"), "catalog", "It would be refused again: "),
            (
                envelope(NAME, {"text": "a"}, "s", source="urn:souk:service:auth"),
                "order",
                "It would be refused again: ",
            ),
            (envelope("sample.other", {}, "s"), "order", "No handler of sample.other is there"),
            (envelope(NAME, {"text": "a" * 70_000}, "s"), "order", "The message is no event: "),
        ],
        ids=["text", "object", "unknown sender", "forged", "foreign", "not handled", "cut off"],
    )
    def test_that_is_still_none_is_not_redriven(self, notes, message, producer, reason):
        kept = self.refuse(message, producer)
        with pytest.raises(RedriveImpossible, match=reason):
            dead_letters.redrive("order.refused", kept.event_id, by=None)
        kept.refresh_from_db()
        assert kept.dead_at is not None
        assert kept.not_before is None
        assert (notes(), audited(), InboxEvent.objects.count()) == ([], [], 1)

    def test_may_be_discarded(self):
        kept = self.refuse("nonsense")
        assert dead_letters.discard("order.refused", kept.event_id, reason="x", by=None) is True

    def test_is_in_the_log_of_the_subject_that_it_claims(self):
        self.refuse({"type": "x\x1b", "subject": "s"})
        out = StringIO()
        call_command("event_log", "--subject", "s", stdout=out)
        assert out.getvalue() == "not yet order.refused x\\x1b: no event\n"


class TestAnEventWithoutAHandler:
    def test_is_not_redriven_before_there_is_one(self):
        inbox.receive(envelope("sample.other", {}, "s"))
        kept = InboxEvent.objects.get()
        with pytest.raises(RedriveImpossible, match=r"No handler of sample\.other is there"):
            dead_letters.redrive("order.unknown", kept.event_id, by=None)
        kept.refresh_from_db()
        assert kept.dead_at is not None
        assert kept.error == "no handler of sample.other in order"


class TestTheCommand:
    def test_lists_the_oldest_first(self, dead):
        young, old = dead()["id"], dead(died=timedelta(days=1))["id"]
        lines = run("list").splitlines()
        assert [line.split()[1] for line in lines] == [old, young]
        assert lines[0].endswith(f"{NAME} for {CHECK}, 8 tries: LookupError: a")
        assert len(run("list", "--limit", "1").splitlines()) == 1

    def test_lists_as_json(self, dead):
        event_id = dead()["id"]
        (listed,) = json.loads(run("list", "--json"))
        assert (listed["id"], listed["attempts"]) == (event_id, 8)
        assert listed["error"] == "x\nLookupError: a"
        assert listed["envelope"]["data"] == {"text": "a"}

    def test_tells_refused_messages_apart(self):
        for text in ("a" * 70, "b\x1b"):
            dead_letters.refuse(text, reason="it is no object", producer="catalog")
        dead_letters.refuse({"type": "x\ny"}, reason="it has no id")
        endings = [line.partition(" for order.refused, ")[2] for line in run("list").splitlines()]
        assert endings == [
            f"it is no object, from catalog: {'a' * 60}…",
            "it is no object, from catalog: b",
            'it has no id, from an unknown sender: {"type": "x\\ny"}',
        ]

    def test_lists_none_of_an_event_that_has_no_handler_here(self):
        assert (
            run("list", "--event", "user.password_reset_requested")
            == "There is no such dead letter.\n"
        )

    def test_lists_none(self):
        assert run("list") == "There is no such dead letter.\n"
        assert run("list", "--json") == "[]\n"

    @pytest.mark.parametrize(
        "chosen",
        [
            ["--id", "{id}"],
            ["--subject", "mine"],
            ["--before", "2020-01-02"],
            ["--event", NAME, "--subject", "mine"],
            ["--consumer", CHECK, "--before", "2020-01-01T12:00:00+00:00"],
            ["--all", "--limit", "1"],
        ],
        ids=["id", "subject", "day", "type", "time", "limit"],
    )
    def test_acts_on_what_is_chosen_alone(self, dead, chosen):
        mine = dead(subject="mine")["id"]
        other = dead()["id"]
        InboxEvent.objects.filter(event_id=mine, consumer=CHECK).update(
            dead_at="2020-01-01T00:00:00Z"
        )
        assert run("redrive", *(one.format(id=mine) for one in chosen)) == (
            "1 dead letter redriven.\n"
        )
        assert row(mine).dead_at is None
        assert row(other).dead_at is not None
        assert audited() == [("event.redriven", mine, {"consumer": CHECK})]
        assert AuditEntry.objects.get().actor_id is None

    def test_goes_through_more_than_a_batch(self, dead, monkeypatch):
        monkeypatch.setattr("chassis.management.commands.dead_letters._BATCH", 2)
        for _ in range(5):
            dead()
        assert run("redrive", "--all", "--limit", "3") == "3 dead letters redriven.\n"
        assert run("discard", "--all", "--reason", "x") == "2 dead letters discarded.\n"
        assert len(audited()) == 5

    def test_tells_which_messages_cannot_be_redriven_and_redrives_the_others(self, dead):
        dead_letters.refuse("nonsense", reason="x", producer="order")
        event_id = dead()["id"]
        with pytest.raises(CommandError, match=r"^1 dead letter could not be redriven\.$"):
            run("redrive", "--all")
        assert row(event_id).dead_at is None

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["redrive"], "Say which ones"),
            (["redrive", "--all", "--subject", "s"], "Say which ones"),
            (["discard", "--all"], "Give a --reason"),
            (["discard", "--all", "--reason", " "], "Give a --reason"),
            (["discard", "--all", "--reason", "r" * 181], "180 characters at most"),
            (["redrive", "--subject", "none"], "There is no such dead letter."),
            (
                ["redrive", "--consumer", "none"],
                "No consumer is called none; there are ",
            ),
            (["list", "--event", "none"], "No event is called none; there are "),
            (["list", "--reason", "r"], "--reason is for discard alone."),
            (["list", "--all"], "--all is for redrive and discard alone."),
            (["redrive", "--all", "--reason", "r"], "--reason is for discard alone."),
            (["redrive", "--all", "--json"], "--json is for list alone."),
            (["discard", "--all", "--reason", "r", "--json"], "--json is for list alone."),
            (["list", "--id", "5"], "5 is no event's id, which is a UUID."),
            (["list", "--before", "2020-13-01"], "--before: 2020-13-01 is no time"),
            (["list", "--before", "soon"], "--before: soon is no time"),
            (["list", "--limit", "0"], "--limit is a number from 1."),
        ],
    )
    def test_says_in_a_sentence_what_is_wrong(self, dead, arguments, sentence):
        event_id = dead()["id"]
        with pytest.raises(CommandError) as failure:
            run(*arguments)
        assert sentence in str(failure.value)
        assert failure.value.returncode == 1
        assert row(event_id).dead_at is not None


class TestAReplay:
    def test_of_the_oldest_event_that_an_outbox_keeps_is_recognised(
        self, settings, take_note, notes
    ):
        """However late it comes again: what is handled is forgotten after what was published."""
        take_note("a")
        kept = OutboxEvent.objects.get()
        message = json.loads(msgspec.json.encode(outbox.envelope_of(kept)))
        inbox.receive(message)
        now = timezone.now()
        at = now - timedelta(days=settings.OUTBOX_RETENTION_DAYS) + timedelta(minutes=1)
        OutboxEvent.objects.update(position=1, published_at=at, time=at)
        InboxEvent.objects.update(handled_at=at, received_at=at)
        assert (delete_published_events(now), delete_handled_events(now)) == (0, 0)
        inbox.receive(message)
        assert notes() == ["a"]
        assert delete_published_events(now + timedelta(minutes=2)) == 1
        assert delete_handled_events(now + timedelta(minutes=2)) == 0
