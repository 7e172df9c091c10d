"""Outboxes against inboxes: each way in which they may part is found, and nothing else is."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.audit.findings import MOST, Mismatch
from tests.local.audit.making import NOW, SETTLED, Shop, ago, uuid

DAY = 86_400
YOUNG = 30


def well() -> Shop:
    """Return a shop with two events of order, both taken by those they are owed to."""
    shop = Shop()
    for number, name in ((1, "order.placed"), (2, "order.placed")):
        event = shop.publish(name, number, seconds=SETTLED - number)
        shop.take("catalog.count_sales", event)
        shop.take("order.mail", event)
    return shop


def lose_newest(shop: Shop) -> None:
    shop.inbox["catalog"].pop()


def lose_oldest(shop: Shop) -> None:
    shop.inbox["catalog"].pop(0)


def lose_all(shop: Shop) -> None:
    shop.inbox["catalog"].clear()


def leave_unpublished(shop: Shop) -> None:
    shop.publish("order.placed", 3, seconds=SETTLED - 3, published=False)
    shop.take("order.mail", shop.outbox["order"][-1])


def stick(shop: Shop) -> None:
    shop.inbox["order"][0]["state"] = "stuck"


def forge(shop: Shop) -> None:
    shop.take("order.mail", {**shop.outbox["order"][0], "id": uuid(7)})


def forge_for_nobody(shop: Shop) -> None:
    event = {**shop.outbox["order"][0], "id": uuid(7)}
    shop.take("order.mail", event, producer="elsewhere", state="dead")


def exchange(shop: Shop) -> None:
    shop.inbox["catalog"][0]["subject"] = uuid(8)


def delete_numbered(shop: Shop) -> None:
    shop.heads["order"]["numbered"] = {"first": 1, "last": 3, "rows": 2}


def lose_of_nobody(shop: Shop) -> None:
    """Auth is sent it and has no handler: it must be kept as unknown."""
    shop.publish("product.created", 5)


class TestMismatch:
    @pytest.mark.parametrize(
        ("damage", "kind", "ids"),
        [
            (lose_newest, "event_missing", {"event": uuid(2), "consumer": "catalog.count_sales"}),
            (lose_oldest, "event_missing", {"event": uuid(1), "consumer": "catalog.count_sales"}),
            (lose_all, "events_before_first", {"consumer": "catalog.count_sales"}),
            (leave_unpublished, "event_unpublished", {"event": uuid(3)}),
            (stick, "event_stuck", {"event": uuid(1), "consumer": "order.mail"}),
            (forge, "event_unknown", {"event": uuid(7), "consumer": "order.mail"}),
            (forge_for_nobody, "event_unknown", {"event": uuid(7)}),
            (exchange, "event_differs", {"event": uuid(1), "consumer": "catalog.count_sales"}),
            (delete_numbered, "outbox_gap", {"service": "order", "positions": "1..3"}),
            (lose_of_nobody, "event_missing", {"consumer": "auth.unknown"}),
        ],
    )
    def test_is_found(
        self, tmp_path: Path, damage: Callable[[Shop], None], kind: str, ids: dict[str, str]
    ) -> None:
        shop = well()
        damage(shop)
        (found,) = shop.audit(tmp_path).mismatches
        assert found.kind == kind
        assert ids.items() <= found.ids.items()
        assert found.line().startswith(f"{kind}: ")

    def test_of_a_consumer_that_may_be_new_is_one_line(self, tmp_path: Path) -> None:
        shop = Shop()
        for number in range(1, 6):
            event = shop.publish("order.placed", number, seconds=SETTLED - number)
            shop.take("order.mail", event)
        first = ago(SETTLED - 4)
        for event in shop.outbox["order"][3:]:
            shop.take("catalog.count_sales", event)
        (found,) = shop.audit(tmp_path).mismatches
        assert found.kind == "events_before_first"
        assert found.expected == f"3 events from {ago(SETTLED - 1)} on"
        assert f"--began catalog.count_sales={first}" in found.found
        began = NOW - timedelta(seconds=SETTLED - 4)
        findings = shop.audit(tmp_path, catalog__count_sales=began)
        assert findings.mismatches == []
        assert findings.outside == {"events from before their consumer began": 3}


def nothing(shop: Shop) -> None:
    pass


def is_young(shop: Shop) -> None:
    shop.publish("order.placed", 3, seconds=YOUNG)


def is_young_and_unpublished(shop: Shop) -> None:
    shop.publish("order.placed", 3, seconds=YOUNG, published=False)


def came_after_the_export(shop: Shop) -> None:
    shop.take("order.mail", {**shop.outbox["order"][0], "id": uuid(7), "time": ago(-5)})


def is_no_longer_in_the_outbox(shop: Shop) -> None:
    shop.take("order.mail", {**shop.outbox["order"][0], "id": uuid(7), "time": ago(31 * DAY)})


def is_no_longer_in_the_inbox(shop: Shop) -> None:
    shop.heads["order"]["outbox_days"] = 90
    shop.publish("order.placed", 3, seconds=61 * DAY)


def is_of_a_type_that_was_dropped(shop: Shop) -> None:
    shop.publish("order.placed", 3, type="order.dropped")


def is_unpublished_but_taken(shop: Shop) -> None:
    shop.outbox["order"][0]["published"] = False


def is_dead(shop: Shop) -> None:
    shop.inbox["catalog"][0]["state"] = "dead"


def is_discarded(shop: Shop) -> None:
    shop.inbox["catalog"][0]["state"] = "discarded"


def is_unknown_and_discarded(shop: Shop) -> None:
    forge(shop)
    shop.inbox["order"][-1]["state"] = "discarded"


def is_refused(shop: Shop) -> None:
    event = {**shop.outbox["order"][0], "id": uuid(7)}
    shop.take("order.refused", event, state="dead")


def waits(shop: Shop) -> None:
    shop.inbox["order"][0]["state"] = "waiting"


def was_handled_by_one_who_is_gone(shop: Shop) -> None:
    shop.take("catalog.former", shop.outbox["order"][0])


def is_kept_as_unknown(shop: Shop) -> None:
    shop.take("auth.unknown", shop.publish("product.created", 5), state="dead")


class TestNoMismatch:
    @pytest.mark.parametrize(
        ("case", "told"),
        [
            (nothing, {}),
            (is_young, {"pending": {"events": 1}}),
            (is_young_and_unpublished, {"pending": {"events": 1}}),
            (came_after_the_export, {"pending": {"inbox rows": 1}}),
            (is_no_longer_in_the_outbox, {"outside": {"inbox rows of events no longer kept": 1}}),
            (is_no_longer_in_the_inbox, {"outside": {"events older than an inbox is kept": 2}}),
            (
                is_of_a_type_that_was_dropped,
                {"outside": {"events of types no longer declared": 1}},
            ),
            (is_unpublished_but_taken, {}),
            (is_dead, {"letters": {"dead": 1}}),
            (is_discarded, {"letters": {"discarded": 1}}),
            (is_unknown_and_discarded, {"letters": {"discarded": 1}}),
            (is_refused, {"letters": {"refused": 1}}),
            (waits, {"pending": {"events to be tried again": 1}}),
            (was_handled_by_one_who_is_gone, {}),
            (is_kept_as_unknown, {"letters": {"dead": 1}}),
        ],
    )
    def test_is_made_where_an_event(
        self, tmp_path: Path, case: Callable[[Shop], None], told: dict[str, Any]
    ) -> None:
        shop = well()
        case(shop)
        findings = shop.audit(tmp_path)
        assert findings.mismatches == []
        for name in ("pending", "outside", "letters"):
            counts = {what: n for what, n in getattr(findings, name).items() if n}
            assert counts == told.get(name, {}), name

    def test_is_made_of_an_event_that_an_earlier_export_cannot_have(self, tmp_path: Path) -> None:
        shop = well()
        shop.publish("order.placed", 3, seconds=300)
        shop.take("order.mail", shop.outbox["order"][-1])
        shop.heads["catalog"]["at"] = ago(290)
        assert shop.audit(tmp_path).mismatches == []
        shop.heads["catalog"]["at"] = ago(200)
        assert [one.kind for one in shop.audit(tmp_path).mismatches] == ["event_missing"]

    def test_is_left_out_for_a_shorter_time_where_asked(self, tmp_path: Path) -> None:
        shop = well()
        is_young(shop)
        assert len(shop.audit(tmp_path, pending=10).mismatches) == 2


class TestManyAlike:
    def test_are_counted_where_twenty_are_told(self, tmp_path: Path) -> None:
        shop = Shop()
        for number in range(1, 61):
            event = shop.publish("order.placed", number, seconds=SETTLED)
            shop.take("order.mail", event)
            if number in {1, 60}:
                shop.take("catalog.count_sales", event)
        findings = shop.audit(tmp_path)
        assert len(findings.mismatches) == MOST
        assert findings.alike == {"event_missing order.placed catalog.count_sales": 58 - MOST}
        assert findings.as_json()["alike"] == dict(findings.alike)
        said = findings.summary()
        assert said[0] == "And 38 more of event_missing order.placed catalog.count_sales."
        assert said[-1] == "58 mismatches."

    def test_are_told_on_a_line_that_no_forger_breaks(self) -> None:
        found = Mismatch("event_unknown", {"type": "a\n\x1b[2J"}, "an event", "none")
        assert found.line() == (r"event_unknown: type a\n\x1b[2J: expected an event, found none")
