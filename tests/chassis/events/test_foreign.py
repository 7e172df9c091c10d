"""Events that one service says another has published."""

import pytest

from chassis.events import inbox
from chassis.events.envelope import source_uri
from chassis.events.inbox import Refused
from chassis.models import InboxEvent
from tests.conftest import envelope

NAME = "sample.note_taken"
"""Published by order."""


@pytest.mark.django_db(transaction=True)
class TestForeignEvent:
    @pytest.mark.parametrize(
        ("producer", "source"),
        [("order", "catalog"), ("catalog", "catalog"), ("catalog", "order"), (None, "catalog")],
        ids=["names_another", "is_anothers", "came_from_another", "names_another_unseen"],
    )
    def test_is_refused_before_it_is_kept(self, notes, producer, source):
        message = envelope(NAME, {"text": "a"}, "s", source=source_uri(source))
        with pytest.raises(Refused, match="published by order"):
            inbox.receive(message, producer=producer)
        assert notes() == []
        assert not InboxEvent.objects.exists()

    def test_is_told_from_the_publishers_own(self, committing, notes):
        message = envelope(NAME, {"text": "a"}, "s", source=source_uri("order"))
        inbox.receive(message, producer="order")
        assert notes() == ["a"]
