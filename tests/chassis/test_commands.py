"""What a command of a service says when it is used wrongly, or has no database."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import (
    CommandError,
    call_command,
    get_commands,
    load_command_class,
)
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import QueryCanceled

from chassis.commands import ServiceCommand, counted, printable, read_time
from tests.environment import environment

ROOT = Path(__file__).resolve().parents[2]
OWN = sorted(
    name for name, app in get_commands().items() if app in {"chassis", "apps.order_service"}
)


def run(capsys, name, *arguments):
    """Run a command as the command line does; return its exit code, and what it printed on stderr."""
    command = load_command_class(get_commands()[name], name)
    with pytest.raises(SystemExit) as end:
        command.run_from_argv(["manage.py order", name, *arguments])
    printed = capsys.readouterr()
    assert printed.out == ""
    return end.value.code, printed.err


def printed(*arguments):
    """Return what a Python process of order's prints."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment("order")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


class TestEachCommand:
    @pytest.mark.parametrize("name", OWN)
    def test_fails_in_one_way(self, name):
        assert isinstance(load_command_class(get_commands()[name], name), ServiceCommand)

    def test_of_other_services_does_too(self):
        files = [*ROOT.glob("apps/*/management/commands/*.py")]
        assert len(files) > 10
        assert [str(file) for file in files if "(BaseCommand)" in file.read_text()] == []


class TestStart:
    def test_leaves_garbage_to_python_as_any_process_does(self):
        """While apps are loaded nothing looks for it. A web process that went on so kept every body."""
        told = "import gc; print(gc.isenabled(), gc.get_threshold())"
        by_itself = printed("-c", told)
        frozen = "; print(gc.get_freeze_count() > 50_000)"
        shell = ("manage.py", "order", "shell", "--no-imports", "--command", told + frozen)
        assert by_itself.startswith("True ")
        assert printed(*shell) == f"{by_itself}True\n"


class TestArguments:
    @pytest.mark.parametrize(
        ("command", "sentence"),
        [
            (["dead_letters"], "The following arguments are required: action."),
            (
                ["dead_letters", "foo"],
                "Argument action: invalid choice: 'foo' (choose from 'list', 'redrive', 'discard').",
            ),
            (["dead_letters", "list", "--limit", "x"], "Argument --limit: invalid int value: 'x'."),
            (["replay"], "The following arguments are required: --from, --consumer."),
            (["events", "extra"], "Unrecognized arguments: extra."),
            (["relay", "--fast"], "Unrecognized arguments: --fast."),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, list) else "",
    )
    def test_that_are_wrong_are_told_in_one_sentence(self, capsys, command, sentence):
        assert run(capsys, *command) == (1, f"CommandError: {sentence}\n")
        with pytest.raises(CommandError) as failure:
            call_command(*command)
        assert str(failure.value) == sentence


class TestDatabase:
    @pytest.fixture(autouse=True)
    def _is_down(self, monkeypatch):
        def fail(_):
            raise OperationalError("connection failed: refused\nIs the server running?")

        monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", fail)

    @pytest.mark.parametrize(
        "command",
        [
            ["dead_letters", "list"],
            ["dead_letters", "redrive", "--all"],
            ["dead_letters", "discard", "--all", "--reason", "r"],
            ["event_log", "--subject", "s"],
            ["events"],
            ["prune"],
        ],
        ids="-".join,
    )
    def test_that_is_down_is_told_in_one_sentence(self, capsys, command):
        assert run(capsys, *command) == (
            1,
            "CommandError: The database does not answer: connection failed: refused\n",
        )

    def test_is_named_by_a_replay_with_what_it_had_done(self, capsys):
        code, sentence = run(capsys, "replay", "--from", "2026-01-01", "--consumer", "sample.keep")
        assert code == 1
        assert sentence == (
            "CommandError: Stopped after 0 events: connection failed: refused. "
            "Run the command again: what was handled is passed over.\n"
        )

    def test_that_refuses_a_statement_is_told_so(self, capsys, monkeypatch):
        def fail(_):
            text = "canceling statement due to statement timeout"
            raise OperationalError(text) from QueryCanceled(text)

        monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", fail)
        assert run(capsys, "prune") == (
            1,
            "CommandError: The database failed: canceling statement due to statement timeout\n",
        )


class TestReadTime:
    @pytest.mark.parametrize("text", ["2026-01-31", "2026-01-31T00:00", "2026-01-31T02:00+02:00"])
    def test_takes_days_and_times(self, text):
        assert read_time("--from", text) == datetime(2026, 1, 31, tzinfo=UTC)


class TestWords:
    def test_follow_their_number(self):
        assert [counted(number, "event") for number in (0, 1, 2000)] == [
            *("0 events", "1 event", "2,000 events")
        ]
        assert counted(2, "try", "tries") == "2 tries"

    def test_of_others_do_not_reach_the_terminal_as_orders(self):
        assert printable("\x1b[2Ja\nb ü") == r"\x1b[2Ja\nb ü"
