"""What a service of the platform may not reach, and where its secrets are not."""

import stat
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.home import SERVICES, parse_variables
from tests.system.platform import Platform, command_line

PAIRS = [(one, other) for one in SERVICES for other in SERVICES if one != other]


def variables(platform: Platform, service: str) -> dict[str, str]:
    file = platform.home / "env" / f"{service}.env"
    return parse_variables(file.read_text(encoding="utf-8"))


class TestDatabase:
    @pytest.mark.parametrize(("service", "other"), PAIRS)
    def test_of_another_service_is_closed(
        self, platform: Platform, service: str, other: str
    ) -> None:
        url = variables(platform, service)["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT current_database(), current_user").fetchone()
            assert row == (f"souk_{service}", f"souk_{service}")
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url, dbname=f"souk_{other}")

    @pytest.mark.parametrize("database", ["postgres", "template1"])
    def test_of_the_server_itself_is_closed(self, platform: Platform, database: str) -> None:
        url = variables(platform, "catalog")["DATABASE_URL"]
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url, dbname=database)

    def test_wants_a_password(self, platform: Platform) -> None:
        parts = urlsplit(platform.row("platform", "postgres")["url"])
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{parts.port}/postgres")


class TestBroker:
    @pytest.mark.parametrize("role", ["redis", "cache"])
    def test_wants_a_password(self, platform: Platform, role: str) -> None:
        port = urlsplit(platform.row("platform", role)["url"]).port
        with (
            redis.Redis(port=int(port or 0), protocol=2, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis.AuthenticationError, match="Authentication required"),
        ):
            client.ping()

    def test_cannot_be_emptied_or_stopped_by_a_service(self, platform: Platform) -> None:
        url = variables(platform, "catalog")["BROKER_URL"]
        with redis.Redis.from_url(url) as client:
            assert client.ping()
            for command in ("FLUSHALL", "SHUTDOWN", "CONFIG GET *", "KEYS *"):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command.split())


class TestSecrets:
    def test_are_in_files_of_their_owner_alone(self, platform: Platform) -> None:
        home = platform.home
        files = [home / "env" / f"{service}.env" for service in SERVICES]
        files += [home / "secrets.json", home / "run" / "supervisord.conf"]
        files += list((home / "run" / "processes").iterdir())
        assert len(files) == 5 + 13
        assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in files} == {"0o600"}
        assert stat.S_IMODE(home.stat().st_mode) == 0o700

    def test_are_a_services_own_in_its_file(self, platform: Platform) -> None:
        secrets = platform.plan.secrets.values
        for service in SERVICES:
            text = (platform.home / "env" / f"{service}.env").read_text(encoding="utf-8")
            found = {name for name, value in secrets.items() if value in text}
            # Auth has the hashes of the others' client secrets alone.
            assert all(name.startswith(f"{service}.") for name in found), service
            assert f"{service}.database" in found

    def test_are_on_no_command_line(self, platform: Platform) -> None:
        secrets = platform.plan.secrets.values
        running = platform.system_processes()
        assert len(running) > 13
        for process in running:
            line = command_line(process)
            found = [name for name, value in secrets.items() if value in line]
            assert found == [], line

    def test_are_in_no_log(self, platform: Platform) -> None:
        secrets = platform.plan.secrets.values
        for log in (platform.home / "logs").iterdir():
            text = log.read_text(encoding="utf-8", errors="replace")
            assert [name for name, value in secrets.items() if value in text] == [], log.name
