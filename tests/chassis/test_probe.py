"""What a container's health check says of a web process, and of a worker or relay."""

import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from chassis import probe

SCRIPT = Path(probe.__file__)


class Web(socketserver.TCPServer):
    """Answers every request with one status, and notes what was asked."""

    allow_reuse_address = True
    status = 200
    asked = ""

    @property
    def bind(self) -> str:
        return f"0.0.0.0:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked = self.path
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def health_file(tmp_path: Path) -> Path:
    return tmp_path / "health"


def age(file: Path, seconds: float) -> None:
    file.touch()
    then = time.time() - seconds
    os.utime(file, (then, then))


class TestWeb:
    def test_that_answers_lives(self, web, health_file):
        environment = {"BIND": web.bind, "HEALTH_FILE": str(health_file)}
        assert probe.main(environment) == 0
        assert web.asked == "/health/live"

    def test_that_answers_with_an_error_does_not(self, web, capsys):
        web.status = 503
        assert probe.main({"BIND": web.bind}) == 1
        assert "503" in capsys.readouterr().err

    def test_that_does_not_listen_does_not(self, web, capsys):
        web.server_close()
        assert probe.main({"BIND": web.bind}) == 1
        assert "does not answer" in capsys.readouterr().err


class TestWorker:
    def test_with_a_fresh_file_lives_though_nothing_listens(self, health_file):
        age(health_file, probe.FRESH_SECONDS - 5)
        assert probe.main({"HEALTH_FILE": str(health_file), "BIND": "127.0.0.1:1"}) == 0

    def test_with_an_old_file_does_not(self, health_file, web, capsys):
        age(health_file, probe.FRESH_SECONDS + 5)
        assert probe.main({"HEALTH_FILE": str(health_file), "BIND": web.bind}) == 1
        assert "was touched 35 s ago" in capsys.readouterr().err

    def test_without_its_file_does_not(self, health_file):
        assert probe.main({"HEALTH_FILE": str(health_file), "BIND": "127.0.0.1:1"}) == 1


class TestScript:
    def test_needs_nothing_but_python(self, web, health_file):
        command = [sys.executable, "-IS", str(SCRIPT)]
        answers = [
            subprocess.run(command, env={"BIND": bind}, capture_output=True, check=False).returncode
            for bind in (web.bind, "127.0.0.1:1")
        ]
        assert answers == [0, 1]
