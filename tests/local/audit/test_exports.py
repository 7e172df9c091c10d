"""Files that are no whole exports are refused in one sentence, and large ones take no memory."""

import json
import tracemalloc
from pathlib import Path

import pytest

from local import arguments, cli
from local.audit import command
from local.audit.exports import open_export
from local.errors import PlatformError
from local.home import SERVICES, Home
from local.plan import Plan
from tests.local.audit.making import NOW, Shop, uuid, write


def files(folder: Path) -> list[Path]:
    return [folder / f"{service}.jsonl" for service in SERVICES]


class TestExport:
    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda lines: lines[:-1], "its end is missing"),
            (lambda lines: [lines[0], *lines[2:]], "lines before it are"),
            (lambda lines: lines[1:], "its first line is not that of this release"),
            (lambda lines: [lines[0], "nonsense\n", *lines[1:]], "is none of an export"),
            (
                lambda lines: [lines[0].replace('"format": 1', '"format": 2'), *lines[1:]],
                "first line",
            ),
            (lambda lines: [*lines[:2], lines[0], *lines[1:]], "in two places"),
            (lambda lines: [], "Expecting value"),
        ],
    )
    def test_that_is_not_whole_is_refused(
        self, tmp_path: Path, damage: object, reason: str
    ) -> None:
        shop = Shop()
        shop.order("paid", "committed")
        shop.order("paid", "committed", 2)
        (path,) = [write(tmp_path / "order.jsonl", shop.lines("order"))]
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(damage(lines)), encoding="utf-8")  # type: ignore[operator]
        with pytest.raises(PlatformError, match=reason):
            open_export(path)

    def test_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PlatformError, match="cannot be read: No such file"):
            open_export(tmp_path / "none")

    def test_with_a_broken_line_is_refused(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("paid", "committed")
        files = [write(tmp_path / f"{one}.jsonl", shop.lines(one)) for one in SERVICES]
        text = files[2].read_text(encoding="utf-8")
        files[2].write_text(text.replace('{"kind": "order",', '{"kind": "order" ,,'), "utf-8")
        with pytest.raises(PlatformError, match=r"order\.jsonl holds a broken line: "):
            command.compare([open_export(path) for path in files], {}, 60)

    def test_of_no_consumer_that_is_said_to_be_new_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PlatformError, match=r"There is no consumer called order\.male: see"):
            Shop().audit(tmp_path, order__male=NOW)

    def test_out_of_order_is_refused(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("paid", "committed", 2)
        shop.order("paid", "committed", 1)
        with pytest.raises(PlatformError, match="not in order of ids"):
            shop.audit(tmp_path)

    def test_is_needed_of_each_service(self, tmp_path: Path) -> None:
        exports = Shop().exports(tmp_path)
        with pytest.raises(PlatformError, match="these are of auth, catalog, auth"):
            command.compare([*exports[:2], exports[0]], {}, 60)


class TestCommand:
    def test_compares_files_in_any_order(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shop = Shop()
        shop.order("paid", "reserved")
        shop.exports(tmp_path)
        names = [str(path) for path in reversed(files(tmp_path))]
        assert cli.main(["audit", "--from", *names]) == 1
        told = capsys.readouterr().out.splitlines()
        assert told[0].startswith(f"reservation_status: order {uuid(1)}: expected committed")
        assert told[-1] == "1 mismatch."
        assert cli.main(["audit", "--json", "--from", *names]) == 1
        told_to_programs = json.loads(capsys.readouterr().out)
        assert [one["kind"] for one in told_to_programs["mismatches"]] == ["reservation_status"]
        assert told_to_programs["compared"]["orders"] == 1

    def test_exits_with_0_where_all_is_well(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Shop().exports(tmp_path)
        assert cli.main(["audit", "--from", *map(str, files(tmp_path))]) == 0
        assert capsys.readouterr().out.endswith("\nNo mismatch.\n")

    def test_says_in_a_sentence_that_nothing_runs(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(arguments, "locate", lambda: home)
        assert cli.main(["audit"]) == 1
        assert capsys.readouterr().err == (
            f"The platform in {home.path} is not running; `manage.py up` starts it.\n"
        )

    def test_says_in_a_sentence_that_a_database_is_away(self, plan: Plan, tmp_path: Path) -> None:
        with pytest.raises(PlatformError) as error:
            command._export(plan, "catalog", tmp_path)
        told = str(error.value)
        assert told.startswith(
            "catalog could not be read: The database does not answer: connection"
        )
        assert "\n" not in told

    @pytest.mark.parametrize(
        "options",
        [
            ["--pending", "-1"],
            ["--pending", "nan"],
            ["--began", "order.mail=soon"],
            ["--restored", "order=2026-11-29"],
            ["--restored", "shop=2026-11-29T08:00/2026-11-29T09:00"],
            ["--from", "a"],
        ],
    )
    def test_refuses_what_is_none(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["audit", *options]) == 1
        assert capsys.readouterr().err.startswith(f"Argument {options[0]}: ")


class TestMemory:
    def test_does_not_grow_with_what_there_is(self, tmp_path: Path) -> None:
        def peak(number: int) -> int:
            shop = Shop()
            for one in range(number):
                event = shop.publish("order.placed", one)
                shop.take("catalog.count_sales", event)
                shop.take("order.mail", event)
            exports = shop.exports(tmp_path)
            del shop
            tracemalloc.start()
            try:
                assert command.compare(exports, {}, 60).mismatches == []
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(10)  # imports and caches
        assert peak(5_000) < 2 * peak(500) + 100_000
