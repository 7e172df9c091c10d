"""What a consumer reads of an outbox: nothing of others, nothing twice, nothing passed over."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chassis.events import feed, outbox
from chassis.events.feed import Place, Selection
from chassis.ids import uuid7
from chassis.models import OutboxEvent, RelayState
from tests.chassis.events.feeding import NAME, OTHERS, copy_back, number, others, settled, write

pytestmark = pytest.mark.usefixtures("committing")

PATH = "/internal/v1/events"


def read(place=feed.START, **options):
    return feed.read("order", place=place, now=options.pop("now", settled()), **options)


def end_of(page):
    return Place(page.epoch, page.position, page.last_id)


def texts(page):
    return [entry.event.data["text"] for entry in page.events]


@pytest.fixture
def _others(monkeypatch):
    with others(monkeypatch):
        yield


class TestRead:
    def test_gives_every_event_once_in_the_order_of_positions(self):
        ids = write(*"abcde")
        first = read(limit=2)
        second = read(end_of(first), limit=2)
        third = read(end_of(second), limit=2)
        assert [texts(page) for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
        assert [page.more for page in (first, second, third)] == [True, True, False]
        assert [entry.position for entry in third.events] == [5]
        assert (third.position, third.last_id) == (5, ids[4])
        assert first.epoch == RelayState.objects.get().epoch

    def test_gives_the_envelope_that_the_relay_sends(self):
        write("a")
        assert read().events[0].event == outbox.envelope_of(OutboxEvent.objects.get())

    def test_is_empty_before_the_first_relay(self):
        page = read()
        assert (page.epoch, page.position, page.last_id, page.events) == (None, 0, None, [])

    def test_gives_nothing_that_has_no_position_yet(self, take_note):
        number()
        take_note("a")
        assert read().events == []

    @pytest.mark.usefixtures("_others")
    def test_looks_past_events_of_others(self):
        ids = write(*"abc")
        OutboxEvent.objects.filter(position__gt=1).update(type=OTHERS)
        page = read()
        assert texts(page) == ["a"]
        assert (page.position, page.last_id, page.more) == (3, ids[2], False)

    @pytest.mark.usefixtures("_others")
    def test_ends_a_page_of_others_and_says_that_there_is_more(self, monkeypatch):
        monkeypatch.setattr(feed, "LOOKED_AT", 2)
        write(*"abc")
        OutboxEvent.objects.filter(position__lt=3).update(type=OTHERS)
        page = read()
        assert (page.events, page.position, page.more) == ([], 2, True)
        assert texts(read(end_of(page))) == ["c"]

    def test_ends_before_the_first_young_event_by_position_and_not_by_time(self):
        write(*"abc")
        now = timezone.now()
        OutboxEvent.objects.update(time=now - timedelta(minutes=1))
        OutboxEvent.objects.filter(position=2).update(time=now - timedelta(seconds=4))
        page = read(now=now)
        assert (texts(page), page.position, page.more) == (["a"], 1, False)
        assert texts(read(end_of(page), now=now + timedelta(seconds=2))) == ["b", "c"]

    def test_ends_before_a_type_that_only_the_next_release_knows(self):
        write(*"abc")
        assert not read().held
        OutboxEvent.objects.filter(position=2).update(type="sample.not_known_yet")
        assert (read().position, read().held) == (1, True)
        OutboxEvent.objects.filter(position=2).update(published_at=timezone.now())
        assert read().position == 1

    def test_looks_past_a_type_that_no_release_knows_any_more(self):
        write(*"abc")
        long_ago = timezone.now() - timedelta(days=2)
        OutboxEvent.objects.filter(position=2).update(type="sample.gone", published_at=long_ago)
        assert texts(read()) == ["a", "c"]
        OutboxEvent.objects.filter(position=2).update(published_at=None, time=long_ago)
        assert texts(read()) == ["a", "c"]

    def test_tells_of_what_was_deleted_before_it_was_read(self):
        write(*"abcde")
        page = read(limit=1)
        OutboxEvent.objects.filter(position__in=(2, 3)).delete()
        assert (read(end_of(page)).pruned, texts(read(end_of(page)))) == (2, ["d", "e"])
        assert read().pruned == 0, "what was there before the reader"
        OutboxEvent.objects.filter(position__gt=1).delete()
        last = read(end_of(page))
        assert (last.pruned, last.position) == (4, 5)
        assert read(end_of(last)).pruned == 0, "told once"

    def test_cuts_a_page_at_its_length_and_loses_nothing(self, monkeypatch):
        monkeypatch.setattr(feed, "LONGEST_PAGE", 1_000)
        write(*[f"{n} {'x' * 400}" for n in range(4)])
        pages = [read()]
        while pages[-1].more:
            pages.append(read(end_of(pages[-1])))
        assert len(pages) > 1
        assert [text[0] for page in pages for text in texts(page)] == ["0", "1", "2", "3"]

    def test_selects_by_type_and_time(self):
        write(*"abc")
        times = [timezone.now() - timedelta(hours=hours) for hours in (3, 2, 1)]
        for position, time in enumerate(times, start=1):
            OutboxEvent.objects.filter(position=position).update(time=time)
        assert texts(read(selection=Selection(since=times[1]))) == ["b", "c"]
        assert texts(read(selection=Selection(until=times[1]))) == ["a"]
        assert texts(read(selection=Selection(name=NAME))) == ["a", "b", "c"]
        page = read(selection=Selection(name="sample.other"))
        assert (page.events, page.position) == ([], 3)

    def test_says_since_when_events_are_kept_where_some_were_deleted(self):
        write(*"ab")
        window = Selection(since=timezone.now() - timedelta(days=9))
        assert read(selection=window).kept_since is None
        OutboxEvent.objects.filter(position=1).delete()
        assert read(selection=window).kept_since == OutboxEvent.objects.get().time
        assert read().kept_since is None


class TestPlace:
    """What becomes of a reader whose place is of another history than the database's."""

    @pytest.fixture
    def place(self):
        write(*"abc")
        return end_of(read())

    def test_holds_where_the_event_there_was_deleted_for_its_age(self, place):
        OutboxEvent.objects.all().delete()
        write("d")
        page = read(place)
        assert (texts(page), page.restarted) == (["d"], False)

    def test_means_nothing_in_another_epoch(self, place):
        RelayState.objects.update(epoch=uuid7())
        page = read(place)
        assert (texts(page), page.restarted) == (["a", "b", "c"], True)
        assert read(end_of(page)).restarted is False

    def test_means_nothing_where_fewer_events_were_ever_numbered(self, place):
        copy_back(2)
        page = read(place)
        assert (texts(page), page.restarted, page.position) == (["a", "b"], True, 2)

    def test_means_nothing_where_another_event_has_its_position(self, place):
        copy_back(2)
        write("x", "y")
        page = read(place)
        assert (texts(page), page.restarted) == (["a", "b", "x", "y"], True)

    def test_means_nothing_where_the_relay_has_numbered_none(self, place):
        RelayState.objects.all().delete()
        OutboxEvent.objects.all().delete()
        page = read(place)
        assert (page.restarted, page.position, page.epoch) == (True, 0, None)


class TestCost:
    @pytest.fixture
    def place(self):
        write(*"abc")
        return end_of(read())

    def test_is_one_query_where_there_is_nothing_new(self, place):
        with CaptureQueriesContext(connection) as queries:
            assert read(place).events == []
        assert len(queries) == 1

    @pytest.mark.parametrize("statement", [feed._STATE, feed._LOOK], ids=["state", "look"])
    def test_is_of_steps_into_the_index_of_positions(self, statement):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, "
                "traceparent, position) SELECT gen_random_uuid(), 'sample.note_taken', 1, 's', n, "
                "now(), '{}', '', '', n FROM generate_series(1, 5000) AS n"
            )
            cursor.execute("ANALYZE outbox")
            cursor.execute(f"EXPLAIN {statement}", {"after": 4000, "limit": 200})
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "position" in plan
        assert "Seq Scan on outbox" not in plan
        assert "Sort" not in plan


class TestEventsView:
    def test_answers_the_callers_events(self, as_service):
        (event_id,) = write("a")
        OutboxEvent.objects.update(time=timezone.now() - timedelta(minutes=1))
        answer = as_service("order", "events:read").get(PATH)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["position"], body["more"], body["restarted"]) == (1, False, False)
        assert UUID(body["epoch"]) == RelayState.objects.get().epoch
        assert [(e["position"], UUID(e["event"]["id"])) for e in body["events"]] == [(1, event_id)]
        assert body["events"][0]["event"]["data"]["price"] == "0.10"
        assert as_service("catalog", "events:read").get(PATH).json()["events"] == []

    def test_takes_what_it_answered_to_go_on(self, as_service):
        write(*"ab")
        OutboxEvent.objects.update(time=timezone.now() - timedelta(minutes=1))
        caller = as_service("order", "events:read")
        first = caller.get(PATH, {"limit": 1}).json()
        place = {"after": first["position"], "epoch": first["epoch"], "last_id": first["last_id"]}
        second = caller.get(PATH, place).json()
        assert [e["event"]["data"]["text"] for e in second["events"]] == ["b"]
        assert caller.get(PATH, {**place, "epoch": str(uuid7())}).json()["restarted"] is True

    @pytest.mark.parametrize(
        ("scopes", "status"), [("stock:reserve", 403), ("", 403), ("events:read", 200)]
    )
    def test_wants_the_scope(self, as_service, scopes, status):
        assert as_service("order", scopes).get(PATH).status_code == status

    def test_is_closed_to_users(self, as_admin, api):
        assert as_admin.get(PATH).status_code == 401
        assert api.get(PATH).status_code == 401

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("after=-1", "#/after"),
            ("after=9223372036854775808", "#/after"),
            ("after=a", "#/after"),
            ("limit=0", "#/limit"),
            ("limit=501", "#/limit"),
            ("epoch=1", "#/epoch"),
            ("last_id=1", "#/last_id"),
            ("from=yesterday", "#/from"),
            ("to=1", "#/to"),
            ("type=a%00", "#/type"),
            ("type=sample.unheard_of", "#/type"),
            ("type=stock.low", "#/type"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, as_service, query, pointer):
        answer = as_service("order", "events:read").get(f"{PATH}?{query}")
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    def test_takes_times_as_they_are_written(self, as_service):
        query = {"from": "2026-01-01T00:00:00+00:00", "to": "2026-01-02T00:00:00.5Z", "type": NAME}
        assert as_service("order", "events:read").get(PATH, query).status_code == 200


class TestEpoch:
    """The relay begins a new one where the database is another one."""

    def epoch(self):
        number()
        return RelayState.objects.get().epoch

    def test_stays_with_the_database(self):
        assert self.epoch() == self.epoch()
        assert RelayState.objects.get().fingerprint.count("/") == 2

    def test_stays_when_the_release_before_kept_no_fingerprint(self):
        before = self.epoch()
        RelayState.objects.update(fingerprint="")
        assert self.epoch() == before
        assert RelayState.objects.get().fingerprint

    def test_changes_with_the_database_and_positions_go_on(self):
        write(*"ab")
        before = self.epoch()
        RelayState.objects.update(fingerprint="7512345678901234567/16384/00000001")
        assert self.epoch() != before
        assert RelayState.objects.get().position == 2
        write("c")
        assert OutboxEvent.objects.filter(position=3).exists()
