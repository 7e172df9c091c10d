"""How a publisher's feed is read: by HTTP from another service, from the database where it is one's own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.utils import timezone

from chassis.events import sources
from chassis.events.feed import START, Place, Selection
from chassis.ids import uuid7
from chassis.models import OutboxEvent
from chassis.rest import Unavailable
from chassis.tokens.service import service_token
from tests.chassis.events.feeding import settled, write


@pytest.fixture
def publisher(monkeypatch, settings):
    """Return a list of (status, body) that another service answers, and one of what it was asked."""
    settings.AUTH_URL = "http://auth.internal/auth"
    answers: list[Any] = []
    asked: list[tuple[str, str, str]] = []

    class Client:
        def __init__(self, name, base_url, *, token):
            self.name = name, base_url

        def get(self, path, **options):
            asked.append((*self.name, path))
            answer = answers.pop(0)
            if callable(answer):
                return answer(path)
            status, body = answer
            return httpx.Response(status, content=body)

    monkeypatch.setattr(sources, "RestClient", Client)
    return answers, asked


def read(source="auth", place=START, **options):
    return sources.read(source, place, now=settled(), limit=2, **options)


class TestNames:
    def test_are_the_publishers_of_what_is_handled_and_this_service_first(self):
        assert sources.names() == ["order", "auth", "catalog"]


class TestRead:
    @pytest.mark.usefixtures("committing")
    def test_gives_the_same_by_http_as_from_the_own_database(self, publisher, as_service):
        answers, _ = publisher
        write("a", "b", "c")
        OutboxEvent.objects.update(time=timezone.now() - timedelta(minutes=1))
        own = read("order")

        def serve(path):
            answer = as_service("order", "events:read").get(path)
            return httpx.Response(answer.status_code, content=answer.content)

        answers.extend([serve, serve])
        assert read("auth") == own
        place = Place(own.epoch, own.position, own.last_id)
        since = timezone.now() - timedelta(days=1)
        window = Selection(name="sample.note_taken", since=since, until=timezone.now())
        assert read("auth", place, selection=window) == read("order", place, selection=window)

    def test_asks_through_the_private_entry_point_on_a_circuit_of_its_own(self, publisher):
        answers, asked = publisher
        answers.append((500, b""))
        place = Place(uuid7(), 7, uuid7())
        with pytest.raises(Unavailable):
            read(place=place)
        ((name, url, path),) = asked
        assert (name, url) == ("auth-events", "http://auth.internal/auth")
        expected = f"after=7&epoch={place.epoch}&last_id={place.last_id}&limit=2"
        assert path == f"/internal/v1/events?{expected}"

    @pytest.mark.parametrize(
        "answer",
        [(404, b"{}"), (403, b"{}"), (200, b"<html>"), (200, b'{"position": 1}'), (200, b"\xff")],
        ids=["no feed", "forbidden", "no json", "no page", "no text"],
    )
    def test_takes_anything_but_a_page_as_no_answer(self, publisher, answer):
        publisher[0].append(answer)
        with pytest.raises(Unavailable, match=r"^auth answered"):
            read()

    def test_drops_a_token_that_was_refused(self, publisher, monkeypatch):
        dropped = []
        monkeypatch.setattr(service_token, "forget", lambda: dropped.append(True))
        publisher[0].append((401, b"{}"))
        with pytest.raises(Unavailable):
            read()
        assert dropped


class TestIdOf:
    @pytest.mark.parametrize("event", [None, [], "id", {}, {"id": 1}, {"id": "x"}, {"id": None}])
    def test_is_none_of_what_has_none(self, event):
        assert sources.id_of(event) is None
        assert sources.type_of(event) is None

    def test_is_the_events_own(self):
        event_id = uuid7()
        assert sources.id_of({"id": str(event_id).upper()}) == UUID(str(event_id))
