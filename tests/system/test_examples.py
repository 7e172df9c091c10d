"""The scripts in examples/, run as a newcomer runs them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines import free_port
from tests.system.platform import ROOT, Platform

FOLDER = ROOT / "examples"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[0-9]*.sh"))


def run(script: Path, shop: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(script)],
        env={"PATH": os.environ["PATH"], "SHOP": shop, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


class TestExamples:
    @pytest.mark.parametrize("script", SCRIPTS)
    def test_do_what_they_say(self, platform: Platform, script: str) -> None:
        password = platform.plan.secrets["demo_password"]
        finished = run(FOLDER / script, platform.url, PASSWORD=password)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert finished.stderr == ""

    def test_are_all_told_of(self) -> None:
        told = (FOLDER / "README.md").read_text()
        assert len(SCRIPTS) >= 8
        assert [script for script in SCRIPTS if f"[{script}]({script})" not in told] == []

    def test_say_in_one_sentence_that_no_shop_is_there(self) -> None:
        finished = run(FOLDER / SCRIPTS[0], f"http://127.0.0.1:{free_port()}")
        assert finished.returncode == 1
        assert finished.stderr.strip().startswith("It went wrong: ")
        assert len(finished.stderr.strip().splitlines()) == 1

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            ("ask 304 GET", "ask 200 GET"),
            ("results.1.name", "results.1.nome"),
            ("field results.0.slug", "field results.0.slog"),
            ("check slug", "check sku"),
        ],
        ids=["status", "shown", "used", "value"],
    )
    def test_end_where_something_is_not_as_they_say(
        self, platform: Platform, tmp_path: Path, right: str, wrong: str
    ) -> None:
        shutil.copy(FOLDER / "lib.sh", tmp_path)
        script = tmp_path / SCRIPTS[0]
        text = (FOLDER / SCRIPTS[0]).read_text()
        assert right in text
        script.write_text(text.replace(right, wrong))
        script.chmod(0o755)
        finished = run(script, platform.url)
        assert finished.returncode == 1
        assert finished.stderr.startswith("\nIt went wrong: ")
        assert finished.stderr.count("\n") == 2
