"""A wrong declaration stops each command of a service with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = """
from settings.order import *
from settings.order import INSTALLED_APPS
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "apps.order_service"] + ["misdeclaring"]
"""
EVENTS = """
from dataclasses import dataclass
from chassis.events import consumes, event, handles

@dataclass(frozen=True)
class Told:
    number: int

{mistake}
"""
MISTAKES = {
    "unregistered": (
        "web",
        'event("order.told", version=1, consumers=())(Told)',
        "order.told is no event that settings/events.py registers",
    ),
    "foreign": (
        "worker",
        'event("user.updated", version=1, consumers=())(Told)',
        "user.updated is published by auth, not by this service",
    ),
    "undeclared": (
        "relay",
        'handles(Told, consumer="order.hear")(lambda told: "")',
        "Told is not declared as an event",
    ),
    "nobody": (
        "check",
        'event("order.paid", version=1, consumers=("catalogue",))(Told)',
        "order.paid is sent to catalogue, which is no service",
    ),
    "unregistered-view": (
        "check",
        'consumes("order.told")(Told)',
        "order.told is no event that settings/events.py registers",
    ),
}


class TestStart:
    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_ends_with_a_sentence_where_a_declaration_is_wrong(
        self, mistake: str, tmp_path: Path
    ) -> None:
        command, code, sentence = MISTAKES[mistake]
        app = tmp_path / "misdeclaring"
        app.mkdir()
        (app / "__init__.py").touch()
        (app / "events.py").write_text(EVENTS.format(mistake=code))
        (tmp_path / "misdeclared.py").write_text(SETTINGS)
        done = subprocess.run(
            [sys.executable, "-m", "django", command],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "misdeclared",
                "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"The order service cannot start: {sentence}.\n"
