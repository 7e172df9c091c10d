"""The configuration that is written for the process manager and for the launcher."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from local import supervision, valkey
from local.configuration import MARKER
from local.home import ROOT, Home
from local.plan import Plan


class TestConfiguration:
    def test_is_understood_by_supervisord(
        self, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It runs in the home, whose path supervisord would misread: so no path is written."""
        supervision.write_configuration(plan)
        monkeypatch.chdir(plan.home.path)
        monkeypatch.setenv("SOUK_LAUNCH", "python -IS '/a folder/launch.py'")
        options = ServerOptions()
        options.realize(["-c", "run/supervisord.conf"])
        names = [
            process.name
            for group in options.process_group_configs
            for process in group.process_configs
        ]
        assert sorted(names) == sorted(process.name for process in plan.processes())
        command = options.process_group_configs[0].process_configs[0].command
        assert command == f"python -IS '/a folder/launch.py' {names[0]}"

    def test_starts_the_engines_alone_by_itself(self, plan: Plan) -> None:
        supervision.write_configuration(plan)
        text = (plan.home.run / "supervisord.conf").read_text(encoding="utf-8")
        assert text.count("autostart=true") == 3
        assert text.count("autorestart=true") == len(plan.processes()) == 13

    def test_holds_no_path_of_this_machine(self, plan: Plan) -> None:
        supervision.write_configuration(plan)
        text = (plan.home.run / "supervisord.conf").read_text(encoding="utf-8")
        assert str(plan.home.path) not in text
        assert str(ROOT) not in text

    def test_of_every_process_is_private(self, plan: Plan) -> None:
        supervision.write_configuration(plan)
        files = [*(plan.home.run / "processes").iterdir(), plan.home.run / "supervisord.conf"]
        assert len(files) == 14
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    def test_takes_from_the_caller_what_may_be_tried_and_no_more(
        self, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEY_REFRESH_SECONDS", "1")
        monkeypatch.setenv("LOG_LEVEL", "DEBUG")
        monkeypatch.setenv("SECRET_KEY", "of-the-caller-0123456789")
        supervision.write_configuration(plan)
        file = plan.home.run / "processes" / "order-relay.json"
        variables = json.loads(file.read_text(encoding="utf-8"))["environment"]
        assert variables["KEY_REFRESH_SECONDS"] == "1"
        assert "LOG_LEVEL" not in variables
        assert variables["SECRET_KEY"] == plan.secrets["order.secret_key"]

    def test_gives_each_service_its_own_variables(self, plan: Plan) -> None:
        supervision.write_configuration(plan)
        file = plan.home.run / "processes" / "catalog-web-1.json"
        process = json.loads(file.read_text(encoding="utf-8"))
        variables = process["environment"]
        assert process["command"] == [sys.executable, "manage.py", "catalog", "web"]
        assert variables["DATABASE_URL"].startswith("postgresql://souk_catalog:")
        assert variables["BIND"] == f"127.0.0.1:{plan.ports['catalog-web-1']}"
        assert plan.secrets["auth.secret_key"] not in json.dumps(process)


class TestLauncher:
    @pytest.fixture
    def launched(self, home: Home) -> "subprocess.CompletedProcess[str]":
        """Return what a process found that the launcher became."""
        (home.run / "processes").mkdir()
        health = home.health / "probe"
        health.touch()
        program = (
            "import json, os, sys; print(json.dumps({'pid': os.getpid(), 'cwd': os.getcwd(), "
            "'health': os.path.exists(os.environ['HEALTH_FILE']), 'umask': os.umask(0), "
            "'environment': dict(os.environ)}))"
        )
        content = {
            "directory": str(home.path),
            "umask": 0o027,
            "command": [sys.executable, "-c", program],
            "environment": {"HEALTH_FILE": str(health), "PLAIN": "100% $x", MARKER: "m"},
        }
        (home.run / "processes" / "probe.json").write_text(json.dumps(content), encoding="utf-8")
        launcher = Path(supervision.__file__).with_name("launch.py")
        return subprocess.run(
            [sys.executable, "-IS", str(launcher), "probe"],
            env={**os.environ, MARKER: str(home.path), "LEAK": "1"},
            capture_output=True,
            text=True,
            check=True,
        )

    def test_becomes_the_process_with_its_variables_alone(
        self, home: Home, launched: "subprocess.CompletedProcess[str]"
    ) -> None:
        found = json.loads(launched.stdout)
        assert (found["cwd"], found["umask"]) == (str(home.path), 0o027)
        assert found["environment"]["PLAIN"] == "100% $x"
        assert "LEAK" not in found["environment"]

    def test_takes_away_what_a_predecessor_claimed(
        self, launched: "subprocess.CompletedProcess[str]"
    ) -> None:
        assert json.loads(launched.stdout)["health"] is False


class TestValkeyConfiguration:
    def test_is_understood_with_a_hard_path(self, plan: Plan) -> None:
        """The server reads all of it before it fails at a socket that cannot be."""
        valkey.prepare(plan.home, plan.secrets, "redis", plan.ports["redis"])
        finished = subprocess.run(
            [*valkey.command(plan.home, "redis"), "--port", "0", "--unixsocket", "/none/socket"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Configuration loaded" in finished.stdout
        assert "Failed opening Unix socket" in finished.stdout, finished.stdout + finished.stderr

    def test_holds_no_password(self, plan: Plan) -> None:
        valkey.prepare(plan.home, plan.secrets, "redis", plan.ports["redis"])
        texts = [
            (plan.home.run / name).read_text(encoding="utf-8")
            for name in ("redis.conf", "redis.acl")
        ]
        for name, value in plan.secrets.values.items():
            assert value not in "".join(texts), name
        assert "user default off" in texts[1]
