"""Against a real server on loopback, whose answers the test decides."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction
from prometheus_client import REGISTRY

from chassis import circuit, context, rest
from chassis.rest import InsideTransaction, RestClient, Unavailable
from tests.engines import free_port

pytestmark = pytest.mark.usefixtures("own_circuits_and_connections")

OK: tuple[int, bytes, dict[str, str]] = (200, b'{"ok": true}', {})
LONG = 8
"""Seconds that no deadline here lasts, on however busy a machine; without one it would be 20."""


class Server(ThreadingHTTPServer):
    """Answers with `answers` in turn, the last one for ever; keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = [OK]
        self.asked = []
        self.health_asked = []
        self.is_well = False
        self.ending = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/service"

    def next_answer(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/service" + rest.HEALTH_PATH:
            self.server.health_asked.append(dict(self.headers))
            self.send_response(200 if self.server.is_well else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.next_answer()
        if callable(answer):
            answer(self)
            return
        status, content, headers = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 -- the library calls them so

    def log_message(self, *_):
        pass


def hang_up(handler):
    handler.close_connection = True
    handler.connection.close()


def answer_late(handler):
    handler.server.ending.wait(20)
    hang_up(handler)


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    try:
        while not handler.server.ending.wait(0.1):
            handler.wfile.write(b" ")
    except OSError:
        pass


def answer_after_a_while(handler):
    handler.server.ending.wait(0.3)
    handler.send_response(200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    yield server
    server.ending.set()
    server.shutdown()
    server.server_close()


def wait_until(holds):
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def client(server):
    return RestClient("catalog", server.url)


class TestRequest:
    def test_sends_json_and_returns_the_answer(self, client, server):
        response = client.put("/v1/x", body={"price": "1.00"})
        assert response.json() == {"ok": True}
        ((method, path, headers, body),) = server.asked
        assert (method, path, body) == ("PUT", "/service/v1/x", b'{"price":"1.00"}')
        assert headers["Content-Type"] == "application/json"

    def test_sends_the_request_id_a_child_trace_and_the_deadline(self, client, server):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with context.running(request_id="mine", traceparent=trace):
            client.get("/x")
        headers = server.asked[0][2]
        assert headers["X-Request-ID"] == "mine"
        assert headers["traceparent"].split("-")[1] == trace.split("-")[1]
        assert headers["traceparent"] != trace
        assert 1000 < int(headers["X-Deadline-Ms"]) <= 2000

    def test_makes_each_attempt_a_span_of_its_own(self, client, server):
        server.answers = [(503, b"", {}), (200, b"{}", {})]
        with context.running(request_id=None, traceparent=None) as running:
            client.get("/x")
        spans = [headers["traceparent"].split("-") for _, _, headers, _ in server.asked]
        assert {span[1] for span in spans} == {running.trace_id}
        assert len({span[2] for span in spans} | {running.span_id}) == 3

    def test_waits_no_longer_than_the_caller(self, client, server):
        server.answers = [answer_late]
        begun = time.monotonic()
        with (
            context.running(request_id=None, traceparent=None, deadline=begun + 0.3),
            pytest.raises(Unavailable),
        ):
            client.get("/x", deadline_seconds=20)
        assert time.monotonic() - begun < LONG
        assert int(server.asked[0][2]["X-Deadline-Ms"]) <= 300

    @pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 404, 409, 429])
    def test_returns_every_answer_below_500(self, client, server, status):
        server.answers = [(status, b"", {})]
        assert client.get("/x").status_code == status
        assert len(server.asked) == 1

    @pytest.mark.parametrize("failure", [(502, b"", {}), (503, b"", {}), (504, b"", {}), hang_up])
    def test_repeats_an_idempotent_call(self, client, server, failure):
        server.answers = [failure, failure, OK]
        assert client.put("/x", body={"n": 1}).json() == {"ok": True}
        assert len(server.asked) == 3
        assert {body for *_, body in server.asked} == {b'{"n":1}'}

    @pytest.mark.parametrize("failure", [(503, b"", {}), hang_up])
    def test_never_repeats_another_call(self, client, server, failure):
        server.answers = [failure, OK]
        with pytest.raises(Unavailable):
            client.post("/x", body={})
        assert len(server.asked) == 1

    def test_does_not_repeat_after_500(self, client, server):
        server.answers = [(500, b"", {}), OK]
        with pytest.raises(Unavailable, match="catalog answered 500"):
            client.get("/x")
        assert len(server.asked) == 1

    @pytest.mark.parametrize("failure", [(503, b"", {}), answer_late, drip])
    def test_ends_at_the_deadline_however_it_fails(self, client, server, failure):
        server.answers = [failure]
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            client.get("/x", deadline_seconds=0.5)
        assert time.monotonic() - begun < LONG

    def test_waits_for_the_body_no_longer_than_is_left(self, client, server, monkeypatch):
        server.answers = [answer_after_a_while]
        waits = []

        def read(_client, response, _deadline):
            waits.append(response.request.extensions["timeout"]["read"])
            response.read()

        monkeypatch.setattr(RestClient, "_read", read)
        client.get("/x", deadline_seconds=LONG)
        assert 0 < waits[0] <= LONG - 0.3

    def test_is_unavailable_where_nobody_listens(self):
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="ConnectError"):
            RestClient("catalog", f"http://127.0.0.1:{free_port()}").get("/x", deadline_seconds=0.3)
        assert time.monotonic() - begun < LONG

    def test_refuses_an_answer_without_end(self, client, server, monkeypatch):
        monkeypatch.setattr(rest, "LONGEST_ANSWER", 1000)
        server.answers = [(200, b"x" * 1001, {})]
        with pytest.raises(Unavailable, match="more than 1000 bytes"):
            client.get("/x")


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    def test_keep_calls_out(self, client, server):
        with pytest.raises(InsideTransaction), transaction.atomic():
            client.get("/x")
        assert server.asked == []
        assert client.get("/x").status_code == 200


class TestToken:
    def test_goes_to_the_named_service_alone(self, server):
        elsewhere = Server()
        client = RestClient("catalog", server.url, token=lambda: "secret")
        server.answers = [(307, b"", {"Location": elsewhere.url + "/x"})]
        assert client.get("/x").status_code == 307
        assert server.asked[0][2]["Authorization"] == "Bearer secret"
        assert elsewhere.asked == []
        elsewhere.server_close()

    @pytest.mark.parametrize("path", ["@127.0.0.1:1/x", ".example.com/x", "x", "", "http://e/x"])
    def test_is_not_misled_by_a_path(self, server, path):
        client = RestClient("catalog", server.url, token=lambda: "secret")
        with pytest.raises(ValueError, match="is not an absolute path"):
            client.get(path)
        assert server.asked == []

    def test_ignores_the_environments_proxies(self, client, server, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        assert client.get("/x").status_code == 200

    def test_is_waited_for_no_longer_than_the_deadline(self, server):
        left = []

        def token():
            left.append(context.current().remaining_seconds())
            raise Unavailable("auth is down")

        client = RestClient("catalog", server.url, token=token)
        with pytest.raises(Unavailable, match="auth is down"):
            client.get("/x", deadline_seconds=0.7)
        assert left[0] is not None
        assert 0 < left[0] <= 0.7
        assert context.current().remaining_seconds() is None

    def test_does_not_count_against_the_service_when_auth_gives_none(self, server):
        def none():
            raise Unavailable("auth is down")

        for _ in range(circuit.FAILURES_TO_OPEN + 1):
            with pytest.raises(Unavailable, match="auth is down"):
                RestClient("catalog", server.url, token=none).get("/x")
        assert RestClient("catalog", server.url).get("/x").status_code == 200


def count(outcome):
    """Return how many calls to catalog this process has counted."""
    labels = {"service": "catalog", "outcome": outcome}
    return REGISTRY.get_sample_value("souk_call_seconds_count", labels) or 0


class TestMetrics:
    def test_count_calls_by_their_outcome(self, client, server):
        outcomes = ("answered", "unavailable", "refused")
        before = [count(outcome) for outcome in outcomes]
        client.get("/x")
        server.answers = [(500, b"", {})]
        for _ in range(circuit.FAILURES_TO_OPEN + 2):
            with pytest.raises(Unavailable):
                client.get("/x")
        after = [count(outcome) for outcome in outcomes]
        counted = [now - then for now, then in zip(after, before, strict=True)]
        assert counted == [1, circuit.FAILURES_TO_OPEN, 2]


class TestCircuit:
    @pytest.fixture
    def opened(self, client, server, monkeypatch):
        monkeypatch.setattr(circuit, "PROBE_SECONDS", 0.02)
        server.answers = [(500, b"", {})]
        with pytest.raises(Unavailable, match="answered 500"):
            client.get("/x")
        server.asked.clear()

    def test_makes_no_call_while_it_is_open(self, client, server, opened):
        for _ in range(3):
            with pytest.raises(Unavailable, match="the circuit is open"):
                client.get("/x")
        assert server.asked == []

    def test_asks_no_token_while_it_is_open(self, server, opened):
        def token():
            raise AssertionError("auth was asked")

        with pytest.raises(Unavailable, match="the circuit is open"):
            RestClient("catalog", server.url, token=token).get("/x")

    def test_belongs_to_one_service(self, server, opened):
        server.answers = [OK]
        assert RestClient("auth", server.url).get("/x").status_code == 200

    def test_closes_when_the_service_says_that_it_is_well(self, client, server, opened):
        wait_until(lambda: len(server.health_asked) > 1)
        assert circuit.states() == {"catalog": "open"}
        server.is_well, server.answers = True, [OK]
        wait_until(lambda: circuit.states() == {"catalog": "closed"})
        assert client.get("/x").status_code == 200
        assert len(server.asked) == 1
        assert not any("Authorization" in headers for headers in server.health_asked)

    def test_is_not_opened_by_answers_below_500(self, client, server):
        server.answers = [(409, b"", {})]
        for _ in range(circuit.FAILURES_TO_OPEN + 1):
            assert client.get("/x").status_code == 409

    def test_is_not_opened_by_a_caller_in_a_hurry(self, client, server):
        with (
            context.running(request_id=None, traceparent=None, deadline=time.monotonic() + 0.01),
            pytest.raises(Unavailable, match="no time was left"),
        ):
            client.get("/x")
        assert client.get("/x").status_code == 200
