"""What every overview tells of events."""

from dataclasses import replace

import pytest

from chassis.admin import dashboard
from chassis.events import figures
from chassis.events.figures import Figures

QUIET = Figures(
    unpublished=0,
    oldest_unpublished_seconds=0,
    queue_length=0,
    waiting=0,
    failing=0,
    dead=0,
    handled_recently=0,
    lag_p50_seconds=None,
    lag_p99_seconds=None,
    repaired=0,
    swept_seconds=3,
)
SWEPT = {"order": 3.0, "auth": 5.0}
DEAD, UNPUBLISHED, QUEUED = "Dead letters", "Unpublished events", "Messages in the queues"
FAILING, LAG, REPAIR = "Failing events", "Event to effect", "Repair"


@pytest.fixture
def card(monkeypatch):
    """Return a function that gives the card of a title, with figures as told."""

    def card_of(title, swept=SWEPT, **changes):
        monkeypatch.setattr(figures, "swept", lambda: swept)
        monkeypatch.setattr(figures, "read", lambda: replace(QUIET, **changes))
        return {card.title: card for card in dashboard.bus_cards()}[title]

    return card_of


class TestBusCards:
    @pytest.mark.parametrize("title", [DEAD, UNPUBLISHED, QUEUED, FAILING, REPAIR])
    def test_are_green_while_all_is_well(self, card, title):
        assert (card(title).value, card(title).level) == ("0", "success")

    @pytest.mark.parametrize(
        ("title", "changes", "level"),
        [
            (DEAD, {"dead": 1}, "danger"),
            (UNPUBLISHED, {"unpublished": 1, "oldest_unpublished_seconds": 59.0}, ""),
            (UNPUBLISHED, {"unpublished": 1, "oldest_unpublished_seconds": 61.0}, "warning"),
            (QUEUED, {"queue_length": None}, "danger"),
            (QUEUED, {"queue_length": 7}, "success"),
            (REPAIR, {"swept": {"order": 3.0, "auth": 60.0}}, "success"),
            (REPAIR, {"swept": {"order": 61.0, "auth": 3.0}}, "warning"),
            (REPAIR, {"swept": {"order": 3.0, "auth": None}}, "warning"),
            (FAILING, {"failing": 1}, "warning"),
            (FAILING, {"waiting": 1}, "success"),
            (LAG, {"lag_p50_seconds": 0.1, "lag_p99_seconds": 0.2}, "success"),
            (LAG, {"lag_p50_seconds": 0.1, "lag_p99_seconds": 61.0}, "warning"),
            (LAG, {}, ""),
        ],
        ids=str,
    )
    def test_warn(self, card, title, changes, level):
        assert card(title, **changes).level == level

    def test_tell_their_figures(self, card):
        assert card(DEAD, dead=12).link.endswith("/chassis/deadletter/")
        assert card(DEAD, dead=figures.MOST_COUNTED).value == "10,000+"
        told = card(UNPUBLISHED, unpublished=2, oldest_unpublished_seconds=125.0)
        assert (told.value, told.hint) == ("2", "the oldest waits for 2 min")
        assert card(QUEUED, queue_length=7).value == "7"
        assert card(QUEUED, queue_length=None).value == "not known"
        told = card(REPAIR, repaired=4, swept={"order": 3.0, "auth": None})
        assert (told.value, told.hint) == (
            "4",
            "lost events found again; looked for: order 3 s ago, auth never",
        )
        assert card(FAILING, failing=1, waiting=2).hint == (
            "to be tried again; waiting for their turn: 2"
        )
        told = card(LAG, lag_p50_seconds=0.0123, lag_p99_seconds=5.0, handled_recently=1000)
        assert (told.value, told.hint) == (
            "12 ms",
            "99 % within 5 s; 1,000+ handled in the last 5 minutes",
        )

    def test_tell_of_repair_where_there_are_publishers_alone(self, card):
        with pytest.raises(KeyError):
            card(REPAIR, swept={})

    def test_cost_two_queries(self, db, django_assert_num_queries):
        with django_assert_num_queries(2):
            dashboard.bus_cards()
