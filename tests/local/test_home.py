"""What a home keeps: folders, variables, secrets, and one command at a time."""

import json
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from local import home as module
from local.errors import PlatformError
from local.home import (
    LEAST_FREE_BYTES,
    Home,
    format_variables,
    locate,
    parse_variables,
    read_json,
    write_private,
)

MIB = 2**20


class DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


class TestVariables:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "plain",
            "a=b=c",
            " spaces on both sides ",
            "# no comment",
            "'quoted' \"twice\"",
            "100%",
            "$HOME `x` \\n",
            "ünïcode",
            "postgresql://souk_auth:p%40ss@127.0.0.1:5432/souk_auth?options=-c%20a",
        ],
    )
    def test_come_back_as_they_were(self, value: str) -> None:
        variables = {"ONE": value, "OTHER": "next"}
        assert parse_variables(format_variables(variables)) == variables

    def test_are_read_past_comments_and_empty_lines(self) -> None:
        assert parse_variables("# A=1\n\nB=2\n  \nC = 3\n") == {"B": "2", "C": " 3"}


class TestPrivateFile:
    def test_is_its_owners_alone_whatever_was_there(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("old", encoding="utf-8")
        file.chmod(0o644)
        write_private(file, "new")
        assert file.read_text(encoding="utf-8") == "new"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [file]

    def test_that_is_damaged_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "ports.json"
        file.write_text("{", encoding="utf-8")
        with pytest.raises(PlatformError, match=r"ports\.json is damaged and holds no JSON"):
            read_json(file)

    def test_that_is_missing_holds_nothing(self, tmp_path: Path) -> None:
        assert read_json(tmp_path / "none") == {}


class TestSecrets:
    def test_are_made_once(self, home: Home) -> None:
        first = home.read_secrets()
        assert first == home.read_secrets()
        assert len(set(first.values.values())) == len(first.values)
        assert stat.S_IMODE((home.path / "secrets.json").stat().st_mode) == 0o600

    def test_are_added_to_those_of_an_older_release(self, home: Home) -> None:
        write_private(home.path / "secrets.json", json.dumps({"postgres": "kept", "gone": "kept"}))
        secrets = home.read_secrets()
        assert (secrets["postgres"], secrets["gone"]) == ("kept", "kept")
        assert len(secrets["order.database"]) == 48

    def test_are_not_shown(self, home: Home) -> None:
        secrets = home.read_secrets()
        assert secrets["postgres"] not in repr(secrets)


class TestHome:
    def test_is_where_souk_home_says(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SOUK_HOME", str(tmp_path / "x" / ".." / "y"))
        assert locate().path == tmp_path / "y"
        monkeypatch.delenv("SOUK_HOME")
        assert locate().path == module.ROOT / ".souk"

    def test_is_closed_to_others(self, home: Home) -> None:
        home.path.chmod(0o755)
        home.prepare()
        assert stat.S_IMODE(home.path.stat().st_mode) == 0o700

    def test_wants_a_disk_with_room(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def usage(free: int) -> DiskUsage:
            return DiskUsage(LEAST_FREE_BYTES, 0, free)

        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(LEAST_FREE_BYTES))
        home.prepare()
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(LEAST_FREE_BYTES - MIB))
        with pytest.raises(PlatformError) as error:
            home.prepare()
        assert str(error.value) == f"The disk of {home.path} has 499 MiB free; Souk needs 500 MiB."

    def test_refuses_a_name_that_no_configuration_can_hold(self, tmp_path: Path) -> None:
        with pytest.raises(PlatformError, match="holds characters that cannot be printed"):
            Home(tmp_path / "two\nlines").prepare()

    def test_lets_one_command_in_at_a_time(self, home: Home) -> None:
        with home.lock():
            with pytest.raises(PlatformError) as error, home.lock():
                pass
            assert str(error.value) == (
                "Another command is starting or stopping the platform in "
                f"{home.path}; wait for it to end."
            )
        with home.lock():
            pass

    def test_remembers_how_it_was_started_until_it_is_stopped(self, home: Home) -> None:
        home.write_state({"gateway_port": 8000})
        assert home.read_state() == {"gateway_port": 8000}
        home.forget_state()
        home.forget_state()
        assert home.read_state() == {}
