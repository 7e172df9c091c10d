from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from django.db import DataError, transaction

from chassis import context
from chassis.events import envelope, outbox
from chassis.events.declarations import DeclarationError
from chassis.events.outbox import InvalidPayload, OutsideTransaction
from chassis.ids import uuid7
from chassis.models import OutboxEvent
from tests.chassis.racing import race
from tests.chassis.sample.events import NoteTaken


class TestPublish:
    @pytest.mark.django_db(transaction=True)
    def test_refuses_outside_a_transaction(self):
        with pytest.raises(OutsideTransaction, match="NoteTaken needs the transaction"):
            outbox.publish(NoteTaken(text="a"), subject="s")
        assert not OutboxEvent.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_leaves_nothing_of_a_transaction_that_was_rolled_back(self):
        with transaction.atomic():
            outbox.publish(NoteTaken(text="a"), subject="s")
            transaction.set_rollback(True)
        with transaction.atomic():
            outbox.publish(NoteTaken(text="b"), subject="s")
        assert [(row.data["text"], row.sequence) for row in OutboxEvent.objects.all()] == [("b", 1)]

    @pytest.mark.django_db
    def test_keeps_the_values_exactly(self):
        author = uuid7()
        event_id = outbox.publish(
            NoteTaken(text="ä\u2028", price=Decimal("19.90"), author=author), subject="s"
        )
        row = OutboxEvent.objects.get(id=event_id)
        assert msgspec.convert(row.data, NoteTaken) == NoteTaken(
            text="ä\u2028", price=Decimal("19.90"), author=author
        )
        assert (row.type, row.version, row.subject) == ("sample.note_taken", 1, "s")
        assert row.position is None
        assert row.published_at is None

    @pytest.mark.django_db
    def test_takes_the_request_id_and_trace_of_the_request(self):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with context.running(request_id="mine", traceparent=trace) as running:
            outbox.publish(NoteTaken(text="a"), subject="s")
        row = OutboxEvent.objects.get()
        assert (row.request_id, row.traceparent) == ("mine", running.traceparent)
        assert row.traceparent.startswith(trace[:35])

    @pytest.mark.django_db
    def test_refuses_an_undeclared_class(self):
        @dataclass(frozen=True)
        class Stranger:
            pass

        with pytest.raises(DeclarationError, match="Stranger is not declared"):
            outbox.publish(Stranger(), subject="s")

    @pytest.mark.django_db
    def test_refuses_values_of_another_type_than_declared(self):
        with pytest.raises(
            InvalidPayload, match=r"NoteTaken: Expected `str`, got `int` - at `\$\.text`"
        ):
            outbox.publish(NoteTaken(text=5), subject="s")  # type: ignore[arg-type]
        assert not OutboxEvent.objects.exists()

    @pytest.mark.django_db
    def test_refuses_what_is_too_long_to_be_carried(self):
        room = outbox.LONGEST - len(msgspec.json.encode(NoteTaken(text="")))
        outbox.publish(NoteTaken(text="x" * room), subject="s")
        with pytest.raises(InvalidPayload, match="NoteTaken has 262145 bytes, more than"):
            outbox.publish(NoteTaken(text="x" * (room + 1)), subject="s")
        assert OutboxEvent.objects.count() == 1

    @pytest.mark.django_db
    def test_refuses_a_nul_character_which_the_database_cannot_hold(self):
        with pytest.raises(DataError), transaction.atomic():
            outbox.publish(NoteTaken(text="a\0b"), subject="s")
        assert not OutboxEvent.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_numbers_the_events_of_one_subject_without_gaps_in_the_order_of_commit(self):
        def write():
            for _ in range(5):
                with transaction.atomic():
                    outbox.publish(NoteTaken(text="a"), subject="one")
                    outbox.publish(NoteTaken(text="b"), subject="one")

        assert race([write] * 8) == [None] * 8
        rows = list(OutboxEvent.objects.order_by("sequence"))
        assert [row.sequence for row in rows] == list(range(1, 81))
        assert [row.data["text"] for row in rows] == ["a", "b"] * 40
        assert sorted(rows, key=lambda row: row.time) == rows

    @pytest.mark.django_db
    def test_numbers_each_subject_on_its_own(self):
        for subject in ("one", "two", "one"):
            outbox.publish(NoteTaken(text=subject), subject=subject)
        assert set(OutboxEvent.objects.values_list("subject", "sequence")) == {
            ("one", 1),
            ("one", 2),
            ("two", 1),
        }


class TestEnvelopeOf:
    @pytest.mark.django_db
    def test_is_a_cloud_event_that_the_inbox_reads(self):
        event_id = outbox.publish(NoteTaken(text="a"), subject="s")
        message = msgspec.to_builtins(outbox.envelope_of(OutboxEvent.objects.get()))
        assert message["specversion"] == "1.0"
        assert UUID(message["id"]) == event_id
        assert message["source"] == "urn:souk:service:order"
        assert message["dataschema"] == "urn:souk:event:sample.note_taken:v1"
        assert message["time"].endswith("Z")
        assert message["sequence"] == "1"
        assert envelope.parse(message).data["text"] == "a"


class TestPublishAll:
    @pytest.mark.django_db
    def test_numbers_the_events_of_each_subject_in_the_order_given(self):
        outbox.publish(NoteTaken(text="first"), subject="a")
        outbox.publish_all(
            NoteTaken,
            [(subject, NoteTaken(text=text)) for subject, text in ("b1", "a2", "b2", "a3")],
        )
        rows = OutboxEvent.objects.order_by("subject", "sequence")
        assert [(row.subject, row.sequence, row.data["text"]) for row in rows] == [
            ("a", 1, "first"),
            ("a", 2, "2"),
            ("a", 3, "3"),
            ("b", 1, "1"),
            ("b", 2, "2"),
        ]

    @pytest.mark.django_db
    def test_gives_all_one_time_so_that_the_relay_sorts_by_sequence(self):
        outbox.publish_all(NoteTaken, [("s", NoteTaken(text=str(n))) for n in range(50)])
        assert OutboxEvent.objects.values("time").distinct().count() == 1

    @pytest.mark.django_db
    def test_goes_on_where_publish_would(self):
        outbox.publish_all(NoteTaken, [("s", NoteTaken(text="a")), ("s", NoteTaken(text="b"))])
        outbox.publish(NoteTaken(text="c"), subject="s")
        assert list(
            OutboxEvent.objects.order_by("sequence").values_list("sequence", flat=True)
        ) == [1, 2, 3]

    @pytest.mark.django_db
    def test_writes_nothing_for_nothing(self):
        outbox.publish_all(NoteTaken, [])
        assert not OutboxEvent.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_refuses_outside_a_transaction(self):
        with pytest.raises(OutsideTransaction, match="NoteTaken needs the transaction"):
            outbox.publish_all(NoteTaken, [("s", NoteTaken(text="a"))])
        assert not OutboxEvent.objects.exists()

    @pytest.mark.django_db
    def test_refuses_values_of_other_types(self):
        with pytest.raises(InvalidPayload):
            outbox.publish_all(NoteTaken, [("s", NoteTaken(text=1))])  # type: ignore[arg-type]
        assert not OutboxEvent.objects.exists()
