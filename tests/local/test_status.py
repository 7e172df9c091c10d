"""What `status` tells of events, and of a platform that never was up."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local import status
from local.home import SERVICES, Home
from local.plan import Plan
from local.supervision import ProcessInfo

FIGURES = {
    "unpublished": 12345,
    "oldest_unpublished_seconds": 75.26,
    "queue_length": None,
    "waiting": 1,
    "failing": 2,
    "dead": 3,
    "handled_recently": 400,
    "lag_p50_seconds": 0.0125,
    "lag_p99_seconds": None,
}


class Web(BaseHTTPRequestHandler):
    """Answers as a service's web process does."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == status._FIGURES else 404)
        self.end_headers()
        self.wfile.write(json.dumps(FIGURES).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return where a web process answers."""
    with HTTPServer(("127.0.0.1", 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestReadStatus:
    def test_of_a_platform_that_never_was_up_knows_no_figures(self, home: Home) -> None:
        running, told = status.read_status(home)
        assert not running
        assert told["processes"] == []
        assert told["events"] == dict.fromkeys(SERVICES)

    def test_of_a_platform_that_is_down_knows_no_figures(self, plan: Plan) -> None:
        running, told = status.read_status(plan.home)
        assert not running
        assert {row["pid"] for row in told["processes"]} == {None}
        assert told["events"] == dict.fromkeys(SERVICES)


class TestFigures:
    def test_are_those_that_a_web_process_tells(self, plan: Plan, address: str) -> None:
        port = int(address.rpartition(":")[2])
        known = {"order-web-1": ProcessInfo(pid=1, state="running", restarts=0)}
        asked = Plan(
            plan.home, plan.secrets, 8000, plan.replicas, {**plan.ports, "order-web-1": port}
        )
        assert status._figures(asked, "order", known) == FIGURES
        assert status._figures(asked, "order", {}) is None

    def test_are_not_known_where_it_answers_with_a_problem(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Web, "status", 503)
        assert status._get_json(address, status._FIGURES) is None

    def test_are_not_known_where_nobody_answers(self) -> None:
        assert status._get_json("127.0.0.1:1", status._FIGURES) is None


class TestEventRows:
    def test_are_for_people(self) -> None:
        rows = status.event_rows({"auth": FIGURES, "order": None})
        assert rows == [
            ["auth", "12,345", "75.3 s", "-", "1", "2", "3", "400", "12 ms", "-"],
            ["order", *["-"] * 9],
        ]
        assert {len(row) for row in rows} == {len(status.EVENT_HEADINGS)}


class TestPlan:
    def test_has_workers_and_relays_tell_their_metrics_on_loopback(self, plan: Plan) -> None:
        binds = [
            plan.environment(process)["METRICS_BIND"]
            for process in plan.processes()
            if process.role in {"worker", "relay"}
        ]
        assert len(set(binds)) == 6
        assert all(bind.startswith("127.0.0.1:") for bind in binds)
        assert "METRICS_BIND" not in plan.environment(plan.processes()[3])
