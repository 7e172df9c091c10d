"""What a service tells the audit: of one moment, read only, whole, and streamed."""

import io
import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, OperationalError, connection
from django.utils import timezone

from chassis import audit_export
from chassis.events import dead_letters, inbox
from chassis.ids import uuid7
from chassis.models import InboxEvent, OutboxEvent, RelayState
from tests.conftest import envelope

pytestmark = pytest.mark.usefixtures("committing")

NOW = timezone.now()


def export():
    """Return the lines as objects, by kind."""
    out = io.StringIO()
    call_command("audit_export", stdout=out)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for line in out.getvalue().splitlines():
        row = json.loads(line)
        kinds.setdefault(row["kind"], []).append(row)
    return kinds


def note(text="kept", **changes):
    return envelope("sample.note_taken", {"text": text}, "s", **changes)


def connect():
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


class TestHead:
    def test_says_who_is_sent_and_who_handles_what(self, settings):
        (head,) = export()["service"]
        assert (head["service"], head["format"]) == ("order", 1)
        assert head["sends"]["order.paid"] == ["catalog", "order"]
        assert head["handlers"]["order.paid"] == ["order.mail"]
        assert head["handlers"]["sample.note_taken"] == ["sample.keep", "sample.check"]
        days = (settings.OUTBOX_RETENTION_DAYS, settings.INBOX_RETENTION_DAYS)
        assert (head["outbox_days"], head["inbox_days"]) == days
        assert head["numbered"] == {"first": None, "last": None, "rows": 0}
        assert head["first_taken"] == {}

    def test_says_which_positions_there_must_be(self, take_note):
        for position, days in ((1, 40), (2, 31), (4, 1), (5, 0), (None, 0)):
            take_note("n", str(days))
            OutboxEvent.objects.filter(position=None).update(
                position=position, time=NOW - timedelta(days=days)
            )
        RelayState.objects.create(position=5)
        (head,) = export()["service"]
        assert head["numbered"] == {"first": 4, "last": 5, "rows": 2}

    def test_says_since_when_a_consumer_takes_events(self):
        inbox.receive(note(time="2026-01-02T03:04:05Z"))
        inbox.receive(note(time="2026-01-01T03:04:05.5+01:00"))
        dead_letters.refuse("nonsense", reason="no event")
        (head,) = export()["service"]
        first = {"sample.note_taken": "2026-01-01T02:04:05.500000+00:00"}
        assert head["first_taken"] == {"sample.keep": first, "sample.check": first}


class TestRows:
    def test_are_those_of_the_outbox(self, take_note):
        ids = [str(take_note("n", "a")) for _ in range(3)]
        rows = export()["outbox"]
        assert [row["id"] for row in rows] == sorted(ids)
        row = OutboxEvent.objects.get(id=ids[0])
        assert datetime.fromisoformat(rows[0].pop("time")) == row.time
        assert rows[0] == {
            "kind": "outbox",
            "id": ids[0],
            "type": "sample.note_taken",
            "subject": "a",
            "sequence": 1,
            "position": None,
            "published": False,
        }

    @pytest.mark.parametrize(
        ("columns", "state"),
        [
            ({"handled_at": NOW}, "handled"),
            ({"handled_at": NOW, "effect": "discarded: no use"}, "discarded"),
            ({"dead_at": NOW}, "dead"),
            ({"not_before": NOW}, "waiting"),
            ({}, "stuck"),
        ],
    )
    def test_are_those_of_the_inbox(self, columns, state):
        event_id = uuid7()
        content = {"source": "urn:souk:service:catalog", "time": "2026-01-02T03:04:05Z"}
        made = InboxEvent.objects.create(
            consumer="order.x",
            event_id=event_id,
            type="t",
            subject="s",
            envelope=content,
            **columns,
        )
        (row,) = export()["inbox"]
        assert datetime.fromisoformat(row.pop("received_at")) == made.received_at
        assert [row] == [
            {
                "kind": "inbox",
                "event": str(event_id),
                "consumer": "order.x",
                "type": "t",
                "subject": "s",
                "producer": "catalog",
                "time": "2026-01-02T03:04:05Z",
                "state": state,
            }
        ]

    def test_are_also_of_what_was_refused(self):
        dead_letters.refuse("nonsense", reason="no event", producer="auth")
        (row,) = export()["inbox"]
        assert (row["consumer"], row["producer"], row["state"]) == ("order.refused", "auth", "dead")
        assert row["time"] is not None

    def test_tell_no_payload(self, take_note):
        take_note("a secret")
        inbox.receive(note("a secret"))
        assert "a secret" not in json.dumps(export())


class TestExport:
    def test_ends_with_how_many_lines_there_are(self, take_note):
        take_note("n")
        told = export()
        assert told["end"] == [{"kind": "end", "lines": 2}]

    def test_is_of_one_moment(self, take_note):
        """What is committed while it is written is not in it, in no part."""
        written: list[dict[str, Any]] = []

        def write(line):
            if not written:
                with connect() as other:
                    other.execute("UPDATE outbox SET subject = 'changed'")
            written.append(json.loads(line))

        take_note("n", "before")
        audit_export.export(write)
        assert [row["subject"] for row in written if row["kind"] == "outbox"] == ["before"]
        assert OutboxEvent.objects.get().subject == "changed"

    def test_can_write_nothing(self, monkeypatch):
        def part():
            RelayState.objects.create()
            return []

        monkeypatch.setattr(audit_export, "_parts", {"bad": part})
        with pytest.raises(InternalError, match="read-only"):
            audit_export.export(lambda line: None)

    def test_fetches_a_few_rows_at_once(self, monkeypatch, take_note):
        """By a cursor of the server's: the table is not in memory."""
        monkeypatch.setattr(audit_export, "_BATCH", 2)
        for _ in range(5):
            take_note("n")
        cursors = []

        def write(line):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django_curs_%'")
                cursors.append(cursor.fetchone()[0])

        audit_export.export(write)
        assert cursors[1:6] == [1] * 5

    def test_in_a_transaction_is_refused(self):
        from django.db import transaction

        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            audit_export.export(lambda line: None)

    def test_of_a_database_that_is_away_says_so_in_a_sentence(self, monkeypatch):
        def fail(write):
            raise OperationalError("connection refused\nIs the server running?")

        monkeypatch.setattr(audit_export, "export", fail)
        with pytest.raises(CommandError) as error:
            call_command("audit_export")
        assert str(error.value) == "The database does not answer: connection refused"


class TestPart:
    def test_is_declared_once(self, monkeypatch):
        monkeypatch.setattr(audit_export, "_parts", {})
        audit_export.part("things")(list)
        with pytest.raises(ValueError, match="things of the export is declared twice"):
            audit_export.part("things")(list)
