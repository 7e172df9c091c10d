"""The commands of an operator, and the sentence each says when something is in the way."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from local.home import LEAST_FREE_BYTES
from tests.engines import free_port
from tests.system.platform import ROOT, Finished, Platform, clean_environment, manage, wait_until

DEMO_USERS = "customer@souk.example, staff@souk.example, admin@souk.example"


def assert_one_sentence(finished: Finished, sentence: str) -> None:
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert finished.stderr == f"{sentence}\n"
    assert "Traceback" not in finished.stdout


class TestStatus:
    def test_in_json_is_what_the_contract_says(self, platform: Platform) -> None:
        platform.wait_until_well()
        status = platform.status()
        assert set(status) == {"gateway", "processes", "events"}
        assert status["gateway"] == platform.url
        for row in status["processes"]:
            assert set(row) == {"service", "role", "pid", "state", "url", "restarts"}
            assert row["state"] == "running"
            assert isinstance(row["restarts"], int)
            os.kill(row["pid"], 0)
            has_url = row["role"] not in {"worker", "relay"}
            assert (row["url"] is not None) is has_url, row

    def test_gives_urls_that_work(self, platform: Platform) -> None:
        urls = {row["role"]: row["url"] for row in platform.status()["processes"]}
        with psycopg.connect(urls["postgres"]) as connection:
            names = connection.execute("SELECT datname FROM pg_database").fetchall()
        assert {"souk_auth", "souk_catalog", "souk_order"} <= {name for (name,) in names}
        for role in ("redis", "cache"):
            with redis.Redis.from_url(urls[role]) as client:
                assert client.config_get("port")["port"] == str(urlsplit(urls[role]).port)
        assert urls["gateway"] == platform.url
        assert platform.client().http.get(f"{urls['web']}/health/ready").status_code == 200

    def test_names_the_engines_and_not_what_started_them(self, platform: Platform) -> None:
        names = {"postgres": "postgres", "redis": "valkey", "cache": "valkey", "gateway": "traefik"}
        for role, name in names.items():
            pid = platform.row("platform", role)["pid"]
            assert name in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8"), role

    def test_as_a_table_hides_passwords_but_tells_who_may_log_in(self, platform: Platform) -> None:
        finished = platform.run("status")
        assert finished.returncode == 0
        assert len(finished.stdout.split("\n\n")[0].splitlines()) == 14
        assert ":***@" in finished.stdout
        secrets = platform.plan.secrets
        for name, value in secrets.values.items():
            assert (value in finished.stdout) is (name == "demo_password"), name
        assert DEMO_USERS in finished.stdout


class TestUp:
    def test_says_where_everything_is(self, platform: Platform) -> None:
        output = platform.first_output
        assert platform.url in output
        assert str(platform.home) in output
        assert DEMO_USERS in output
        assert platform.plan.secrets["demo_password"] in output
        assert "All ready in " in output
        assert f"{platform.url}/admin/catalog/" in output

    def test_on_a_running_platform_says_so(self, platform: Platform) -> None:
        before = {row["pid"] for row in platform.rows()}
        output = platform.up()
        assert f"The platform runs already at {platform.url}." in output
        assert DEMO_USERS in output
        assert {row["pid"] for row in platform.rows()} == before

    def test_with_other_replicas_refuses(self, platform: Platform) -> None:
        assert_one_sentence(
            platform.run("up", "--detach", "--replicas", "catalog=2"),
            f"The platform runs already at {platform.url} with other replicas than catalog=2; "
            "run `manage.py down` first.",
        )

    def test_at_another_port_refuses(self, platform: Platform) -> None:
        assert_one_sentence(
            manage("up", "--detach", home=platform.home, port=free_port()),
            f"The platform runs already at {platform.url}, not at the port that SOUK_PORT names; "
            "run `manage.py down` first.",
        )

    def test_refuses_a_port_that_is_taken(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert_one_sentence(
                manage("up", "--detach", home=tmp_path / "home", port=port),
                f"Port {port} is taken by another program; set SOUK_PORT to a free port.",
            )

    @pytest.mark.parametrize("port", [0, 65536, -1])
    def test_refuses_a_number_that_is_no_port(self, tmp_path: Path, port: int) -> None:
        assert_one_sentence(
            manage("up", "--detach", home=tmp_path / "home", port=port),
            f"SOUK_PORT is '{port}', which is not a port number from 1 to 65535.",
        )

    def test_refuses_a_home_below_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        assert_one_sentence(
            manage("up", "--detach", home=file / "home", port=free_port()),
            f"The home {file / 'home'} cannot be written (Not a directory); "
            "set SOUK_HOME to a folder of yours.",
        )

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_refuses_a_home_that_cannot_be_written(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            finished = manage("up", "--detach", home=tmp_path / "home", port=free_port())
        finally:
            tmp_path.chmod(0o700)
        assert_one_sentence(
            finished,
            f"The home {tmp_path / 'home'} cannot be written (Permission denied); "
            "set SOUK_HOME to a folder of yours.",
        )

    def test_refuses_a_full_disk(self, small_disk: Path) -> None:
        finished = manage("up", "--detach", home=small_disk / "home", port=free_port())
        needed = LEAST_FREE_BYTES // 2**20
        assert_one_sentence(
            finished,
            f"The disk of {small_disk / 'home'} has 16 MiB free; Souk needs {needed} MiB.",
        )

    @pytest.mark.long
    def test_that_fails_leaves_nothing_running(
        self, new_platform: Callable[[str], Platform]
    ) -> None:
        """PostgreSQL starts, the migrations fail, everything is stopped again."""
        platform = new_platform("home")
        platform.home.mkdir(mode=0o700)
        logs = platform.home / "logs"
        logs.mkdir()
        (logs / "order-migrate.log").mkdir()  # where the output of the migration would go
        finished = platform.run("up", "--detach")
        assert finished.returncode == 1
        assert finished.stderr.startswith("The system refused: [Errno 21] Is a directory")
        assert platform.system_processes() == []


class TestLogs:
    def test_shows_each_process_under_its_name(self, platform: Platform) -> None:
        finished = platform.run("logs", "-n", "3")
        assert finished.returncode == 0
        names = {line.partition("|")[0].strip() for line in finished.stdout.splitlines()}
        assert {"postgres", "catalog-worker", "catalog-relay", "supervisord"} <= names

    def test_shows_one_service_alone(self, platform: Platform) -> None:
        platform.client().get("/api/v1/catalog/products/looked-for-in-the-log")

        def logs() -> str:
            return platform.run("logs", "catalog", "-n", "500").stdout

        wait_until(lambda: "looked-for-in-the-log" in logs(), seconds=20, what="the request's line")
        names = {line.partition("|")[0].strip() for line in logs().splitlines()}
        assert names <= {"catalog-web-1", "catalog-worker", "catalog-relay"}

    def test_of_a_platform_that_never_was_are_missing(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        assert_one_sentence(
            manage("logs", home=home, port=free_port()),
            f"There are no logs: no platform was ever started in {home}.",
        )


class TestDoctor:
    def test_finds_a_running_platform_well(self, platform: Platform) -> None:
        platform.wait_until_well()
        finished = platform.run("doctor")
        assert finished.returncode == 0, finished.stdout
        assert "problem" not in finished.stdout
        for subject in ("Python", "packages", "PostgreSQL", "Valkey", "Traefik", "home", "disk"):
            assert any(line.startswith(subject) for line in finished.stdout.splitlines()), subject
        assert "All 13 processes are well" in finished.stdout

    def test_finds_a_taken_port_and_an_open_home(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        home.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            finished = manage("doctor", home=home, port=port)
        assert finished.returncode == 1
        assert f"Port {port} is taken by another program" in finished.stdout
        assert f"{home} is open to other users; run `chmod go= {home}`." in finished.stdout


class TestStoppedPlatform:
    @pytest.mark.parametrize("command", ["status", "demo"])
    def test_is_told_how_it_is_started(self, tmp_path: Path, command: str) -> None:
        finished = manage(command, home=tmp_path / "home", port=free_port())
        assert finished.returncode == 1
        sentence = f"The platform in {tmp_path / 'home'} is not running; `manage.py up` starts it."
        assert (finished.stdout + finished.stderr).strip() == sentence

    def test_goes_down_again_without_harm(self, tmp_path: Path) -> None:
        finished = manage("down", home=tmp_path / "home", port=free_port())
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout.startswith("Nothing runs")


class TestMissingPackages:
    def test_are_told_in_one_sentence(self, tmp_path: Path) -> None:
        finished = subprocess.run(
            [sys.executable, "-S", "manage.py", "up"],
            cwd=ROOT,
            env=clean_environment(tmp_path / "home", free_port()),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 1
        assert finished.stderr.startswith("The package ")
        assert finished.stderr.endswith("; run `make setup`.\n")
        assert finished.stderr.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)]
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
