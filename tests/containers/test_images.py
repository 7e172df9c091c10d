"""What each image holds, and how it runs."""

import json
import os
import re

import pytest

from local.home import SERVICES
from tests.containers import contents
from tests.containers.engine import docker, inspect
from tests.containers.stack import Stack
from tests.hardening import secrecy

BASE = os.environ.get("PYTHON_IMAGE", "python:3.13-slim")
LARGEST = 250e6


@pytest.mark.parametrize("service", SERVICES)
class TestImage:
    def test_holds_the_service_and_nothing_of_the_others(self, images: Stack, service: str) -> None:
        found = {
            one
            for one in contents.files(images.image(service))
            if one.startswith("/app/") and "__pycache__" not in one
        }
        collected = {one for one in found if one.startswith("/app/static/")}
        assert found - collected == contents.own_files(service)

    def test_adds_to_its_base_what_was_said_and_no_more(self, images: Stack, service: str) -> None:
        added = contents.files(images.image(service)) - contents.files(BASE)
        assert {one for one in added if not re.match(r"/(app|opt/venv)/", one)} == {contents.BILL}
        ours = [one for one in added if not one.startswith("/opt/venv/")]
        names = {part for one in ours for part in one.split("/")}
        assert not names & {".git", ".env", "secrets", "tests", ".souk", "local", "benchmarks"}
        others = [f"/{other}_service/" for other in contents.others(service)]
        assert not [one for one in added if any(other in one for other in others)]

    def test_has_its_own_locked_packages_and_no_other(self, images: Stack, service: str) -> None:
        version = contents.run_python(
            images.image(service), "import sys; print('%d.%d' % sys.version_info[:2])"
        )
        found = contents.packages(images.image(service))
        locked = contents.locked(service, version.strip())
        assert found.items() <= locked.items()
        assert locked.keys() - found.keys() <= contents.LEFT_OUT

    def test_has_a_bill_of_its_packages(self, images: Stack, service: str) -> None:
        image = images.image(service)
        bill = json.loads(docker("run", "--rm", "--network", "none", "--entrypoint", "cat", image,
                                 contents.BILL).stdout)  # fmt: skip
        assert bill["bomFormat"] == "CycloneDX"
        named = {contents.canonical(one["name"]): one["version"] for one in bill["components"]}
        assert contents.packages(image).items() <= named.items()

    def test_has_its_static_files_collected(self, images: Stack, service: str) -> None:
        sheet = "/app/static/admin/css/base.css"
        assert {sheet, f"{sheet}.gz"} <= contents.files(images.image(service))

    def test_is_small(self, images: Stack, service: str) -> None:
        assert inspect(images.image(service))[0]["Size"] < LARGEST

    def test_says_what_it_is(self, images: Stack, service: str) -> None:
        config = inspect(images.image(service))[0]["Config"]
        labels = {
            name.removeprefix("org.opencontainers.image."): value
            for name, value in config["Labels"].items()
        }
        assert labels["title"] == f"souk-{service}"
        assert labels["version"] == images.tag
        assert labels["licenses"] == "Apache-2.0"
        assert labels["base.name"] == BASE

    def test_starts_without_a_shell_as_nobody_special(self, images: Stack, service: str) -> None:
        config = inspect(images.image(service))[0]["Config"]
        assert config["User"] == "10001:10001"
        assert config["Entrypoint"] == ["python", "manage.py"]
        assert config["Healthcheck"]["Test"][0] == "CMD"
        options = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        code = "import os; print(os.getuid(), os.getgid(), os.access('/', 2), os.access('/app', 2))"
        said = contents.run_python(images.image(service), code, *options)
        assert said.split() == ["10001", "10001", "False", "False"]

    def test_keeps_no_secret(self, images: Stack, service: str) -> None:
        image = images.image(service)
        config = inspect(image)[0]["Config"]
        names = {one.partition("=")[0] for one in config["Env"]}
        assert not {one for one in names if secrecy.is_secret_name(one)}
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
        assert not [one for one in secrecy.OWN_NAMES if f"{one}=" in history]

    def test_stops_at_once_and_names_every_variable_that_is_missing(
        self, images: Stack, service: str
    ) -> None:
        finished = docker(
            "run", "--rm", "--network", "none", images.image(service), "web", check=False
        )
        said = finished.stdout + finished.stderr
        assert finished.returncode == 1, said
        wanted = ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "ENCRYPTION_KEYS", "PUBLIC_URL")
        assert all(one in said for one in wanted), said
        assert "Traceback" not in said
