"""What breaks a promise of the last release, and what does not; one case for each rule."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import __main__, events, release
from tests.contracts.changing import Change, drop, put
from tests.contracts.services import views

PLACED: dict[str, Any] = {
    "x-version": 1,
    "x-consumers": ["catalog", "order"],
    "x-subject": "order id",
    "type": "object",
    "required": ["order_id", "total", "status"],
    "properties": {
        "order_id": {"type": "string", "format": "uuid"},
        "total": {"type": "string", "format": "decimal"},
        "status": {"enum": ["new", "old"]},
        "note": {"type": "string"},
    },
}
VIEW: dict[str, Any] = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "string", "format": "decimal"}},
}


def event_breaks(change: Change) -> list[str]:
    changed = {"order.placed": deepcopy(PLACED)}
    change(changed)
    return list(events.breaks({"order.placed": PLACED}, changed))


class TestEvents:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (drop("order.placed", "properties", "note"), "#/note: is gone"),
            (drop("order.placed", "properties", "total"), "#/total: is gone"),
            (drop("order.placed", "required", "total"), "#/total: is taken for granted, and may"),
            (put("order.placed", "properties", "total", "type", "number"), "#/total: number is"),
            (put("order.placed", "properties", "total", "format", "x"), "#/total: format x"),
            (drop("order.placed", "properties", "order_id", "format"), "#/order_id: format None"),
            (put("order.placed", "properties", "status", "enum", ["new", "x"]), "#/status: x is"),
            (drop("order.placed", "x-consumers", "catalog"), "is no longer sent to catalog"),
            (put("order.placed", "x-subject", "user id"), "has the subject user id, and had order"),
            (put("order.placed", "x-version", 0), "has version 0, and was released with 1."),
        ],
        ids=[
            *("optional-field-gone", "field-gone", "made-optional", "type", "format"),
            *("format-gone", "value-added", "consumer-dropped", "subject", "version-lowered"),
        ],
    )
    def test_break_their_promise_by(self, change: Change, reason: str) -> None:
        (sentence,) = event_breaks(change)
        assert sentence.startswith(f"order.placed {reason}")
        assert sentence.endswith(".")

    def test_break_their_promise_by_another_name(self) -> None:
        def rename(schemas: dict[str, Any]) -> None:
            schemas["order.put"] = schemas.pop("order.placed")

        (sentence,) = event_breaks(rename)
        assert sentence.startswith("order.placed is gone, and was released for catalog, order. ")

    @pytest.mark.parametrize(
        "change",
        [
            put("order.new", PLACED),
            put("order.placed", "properties", "new", {"type": "string"}),
            put("order.placed", "required", ["order_id", "total", "status", "note"]),
            put("order.placed", "properties", "status", "enum", ["new"]),
            put("order.placed", "x-consumers", ["auth", "catalog", "order"]),
            put("order.placed", "description", "Said otherwise."),
        ],
        ids=["event", "field", "required", "fewer-values", "consumer", "words"],
    )
    def test_may_be_added_to(self, change: Change) -> None:
        assert event_breaks(change) == []

    def test_may_change_in_any_way_under_a_raised_version(self) -> None:
        assert event_breaks(put("order.placed", {**VIEW, "x-version": 2, "x-consumers": []})) == []

    def test_may_end_once_they_were_released_for_nobody(self) -> None:
        assert list(events.breaks({"order.placed": {**PLACED, "x-consumers": []}}, {})) == []


class TestConsumers:
    AMOUNT = {**PLACED, "x-version": 2, "required": [], "properties": {}}
    BOTH = {**VIEW, "required": []}

    def test_of_the_last_release_must_take_what_is_published_under_whatever_version(self) -> None:
        (sentence,) = events.strangers(
            {}, {"order.placed": self.AMOUNT}, {"catalog": {"order.placed": VIEW}}, {}
        )
        assert sentence.startswith("order.placed #/total: is taken for granted, and may be missing")
        assert "by the catalog of the last release. Let catalog take both, and " in sentence

    def test_must_take_what_the_last_release_published(self) -> None:
        (sentence,) = events.strangers(
            {"order.placed": self.AMOUNT}, {}, {}, {"catalog": {"order.placed": VIEW}}
        )
        assert "by catalog, and the last release still publishes it" in sentence

    def test_that_take_both_let_the_event_change(self) -> None:
        views = {"catalog": {"order.placed": self.BOTH}}
        before, after = {"order.placed": PLACED}, {"order.placed": self.AMOUNT}
        assert list(events.strangers(before, after, views, views)) == []

    def test_must_take_what_is_published_beside_them(self) -> None:
        views = {"auth": {"order.placed": VIEW}, "catalog": {"order.placed": VIEW}}
        (sentence,) = events.untaken({"order.placed": self.AMOUNT}, views)
        assert sentence == (
            "order.placed #/total: is taken for granted, and may be missing by catalog. "
            "Change its view of the event, or the event."
        )
        assert list(events.untaken({"order.placed": PLACED}, views)) == []

    def test_that_are_not_sent_an_event_have_no_say(self) -> None:
        views = {"auth": {"order.placed": VIEW}}
        after = {"order.placed": self.AMOUNT}
        assert list(events.strangers(after, after, views, views)) == []


class TestLastRelease:
    def test_is_kept_by_what_the_services_publish_and_serve_now(self) -> None:
        assert list(release.broken()) == []
        for folder in ("events", "openapi", "views"):
            assert any((release.RELEASED / folder).iterdir())

    def test_is_not_renewed_while_it_is_broken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        release.renew(tmp_path)
        path = tmp_path / "events" / "order.paid.schema.json"
        promised = json.loads(path.read_text())
        promised["properties"]["tip"] = {"type": "string"}
        release.write_json(path, promised)
        monkeypatch.setattr(release.broken, "__defaults__", (tmp_path,))
        assert __main__.main(["release"]) == 1
        assert capsys.readouterr().err == (
            "Nothing was released.\norder.paid #/tip: is gone. "
            "Raise its version (docs/events.md), or keep what was.\n"
        )
        assert json.loads(path.read_text()) == promised

    def test_is_not_renewed_by_a_consumer_that_wants_more_than_is_published(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wanting = deepcopy(views())
        wanting["catalog"]["order.paid"]["required"].append("tip")
        monkeypatch.setattr("tests.contracts.release.views", lambda: wanting)
        monkeypatch.setattr(release.broken, "__defaults__", (tmp_path,))
        monkeypatch.setattr(release.renew, "__defaults__", (tmp_path,))
        assert __main__.main(["release"]) == 1
        assert capsys.readouterr().err == (
            "Nothing was released.\norder.paid #/tip: is taken for granted, and may be missing by "
            "catalog. Change its view of the event, or the event.\n"
        )
        assert [*tmp_path.iterdir()] == []

    def test_is_what_is_renewed(self, tmp_path: Path) -> None:
        release.renew(tmp_path)
        assert list(release.broken(tmp_path)) == []
        (tmp_path / "events" / "of.nobody.schema.json").write_text("{}")
        release.renew(tmp_path)
        assert not (tmp_path / "events" / "of.nobody.schema.json").exists()
