"""Spans as a collector gets them, and processes whose collector does not answer."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from django.db import OperationalError, connection, transaction
from django.test import RequestFactory

from chassis import circuit, context, jobs, queue, rest, tracing, work
from chassis.events import inbox, outbox, relay
from chassis.jobs import Job
from chassis.reads import Answer, Answers, InFront
from chassis.rest import RestClient
from chassis.tracing import Sketch
from tests.chassis.processes import wait_until
from tests.chassis.sample.events import NoteTaken
from tests.conftest import envelope
from tests.engines import free_port
from tests.environment import environment
from tests.otlp import Collector

ROOT = Path(__file__).resolve().parent.parent.parent
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"

pytestmark = pytest.mark.urls("tests.chassis.sample.urls")


def batches_of(provider):
    return provider._active_span_processor._span_processors[0]._batch_processor


@pytest.fixture
def sending(settings):
    """Return a function that begins to send spans, which the test's end stops.

    Nothing is left that tries: in another test it would say so, and draw from its random numbers.
    """
    sent = []

    def send(url, **told):
        settings.TRACES = {
            "endpoint": url,
            "headers": {},
            "sampler": "parentbased_always_on",
            "ratio": 1.0,
            "resource": {"service.name": "souk-order"},
            **told,
        }
        tracing.start("web")
        sent.append(batches_of(tracing._provider))

    yield send
    tracing.stop()
    for batches in sent:
        batches._exporter.shutdown()
        batches._worker_thread.join(30)
        assert not batches._worker_thread.is_alive()


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def told(collector, sending):
    """Send spans; return a function that stops that, and returns what was told."""
    sending(collector.url, headers={"authorization": "Basic x"})

    def spans(**wanted):
        tracing.stop()
        return collector.spans(**wanted)

    return spans


def one(spans):
    (span,) = spans
    return span


class TestNothing:
    def test_is_made_or_loaded_without_a_collector(self, tmp_path):
        code = (
            "import sys, django; django.setup()\n"
            "from chassis import tracing\n"
            "from chassis.management.commands import relay, web, worker\n"
            "web.Server().load()\n"
            "tracing.start('web')\n"
            "assert not tracing.is_on()\n"
            "import redis\n"
            "print([name for name, module in sys.modules.items() if module and 'telemetry' in name])"
        )
        variables = {**environment("order"), "DJANGO_SETTINGS_MODULE": "settings.order"}
        ran = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **variables, "OTEL_EXPORTER_OTLP_ENDPOINT": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr

    def test_is_made_where_it_is_turned_off(self, settings):
        settings.TRACES = None
        tracing.start("web")
        assert not tracing.is_on()
        assert tracing.begin(Sketch("a", tracing.INTERNAL), None) is None
        tracing.stop()


@pytest.mark.django_db
class TestRequest:
    def test_is_a_span_of_the_callers_trace_named_by_its_route(self, api, told, collector, caplog):
        caplog.set_level("INFO")
        api.get(
            "/internal/v1/events/figures",
            headers={"traceparent": TRACEPARENT, "X-Request-ID": "mine"},
        )
        span = one(told())
        assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
        assert (span.name, span.kind, span.failed) == (
            "GET /internal/v1/events/figures",
            "SERVER",
            False,
        )
        assert span.attributes == {
            "http.request.method": "GET",
            "http.route": "/internal/v1/events/figures",
            "http.response.status_code": 200,
            "url.path": "/internal/v1/events/figures",
            "url.scheme": "http",
            "souk.request_id": "mine",
        }
        assert span.service == "souk-order"
        assert span.resource["souk.role"] == "web"
        assert collector.headers[0]["authorization"] == "Basic x"
        (line,) = (r.msg for r in caplog.records if r.msg["event"] == "request")
        assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id)

    def test_tells_nothing_of_who_asked_or_what(self, api, told):
        api.credentials(HTTP_AUTHORIZATION="Bearer secret-token", HTTP_COOKIE="a=secret-cookie")
        api.post(
            "/api/v1/notes?email=secret@query.example",
            {"text": "secret-body"},
            headers={"User-Agent": "secret-browser", "X-Forwarded-For": "203.0.113.9"},
        )
        text = repr([(span, dict(span.attributes), dict(span.resource)) for span in told()])
        assert "/api/v1/notes" in text
        assert "secret" not in text
        assert "203.0.113.9" not in text

    @pytest.mark.parametrize(
        ("path", "status", "name", "failed"),
        [
            ("/api/v1/failing/bug", 500, "GET /api/v1/failing/{kind}", True),
            ("/api/v1/failing/missing", 404, "GET /api/v1/failing/{kind}", False),
            ("/nothing/here", 404, "GET", False),
        ],
    )
    def test_fails_by_its_status(self, api, told, path, status, name, failed):
        assert api.get(path).status_code == status
        span = one(told())
        assert (span.name, span.failed) == (name, failed)
        assert span.attributes.get("error.type") == (str(status) if failed else None)

    @pytest.mark.parametrize("path", ["/health/live", "/internal/v1/metrics"])
    def test_of_a_machine_that_looks_is_not_told(self, api, told, path):
        api.get(path, headers={"traceparent": TRACEPARENT})
        assert told() == []

    def test_that_the_caller_does_not_want_told_is_not(self, api, told):
        api.get("/internal/v1/events/figures", headers={"traceparent": TRACEPARENT[:-2] + "00"})
        assert told() == []

    def test_with_a_long_path_is_told_with_the_begin_of_it(self, api, told):
        api.get("/" + "x" * 5000)
        assert len(one(told()).attributes["url.path"]) == tracing.LONGEST_PATH

    def test_answered_in_front_of_django_is_told_as_well(self, told):
        answers = Answers(10_000, path="/api/", version="SELECT 1")
        answers.keep("/api/v1/x/lamp", "", 1, Answer(b"{}", '"a"', "/api/v1/x/{slug}"))
        front = InFront(lambda *_: [b""], answers, lambda: 1)
        environ = RequestFactory().get("/api/v1/x/lamp", headers={"traceparent": TRACEPARENT}).META
        assert front(environ, lambda *_: None) == [b"{}"]
        span = one(told())
        assert (span.name, span.parent_id) == ("GET /api/v1/x/{slug}", PARENT)


class TestSampler:
    @pytest.mark.parametrize(
        ("sampler", "ratio", "parent", "count"),
        [
            ("parentbased_always_off", 1.0, None, 0),
            ("parentbased_always_off", 1.0, TRACEPARENT, 1),
            ("always_off", 1.0, TRACEPARENT, 0),
            ("always_on", 1.0, TRACEPARENT[:-2] + "00", 1),
            ("traceidratio", 0.0, TRACEPARENT, 0),
            ("parentbased_traceidratio", 0.0, None, 0),
            ("parentbased_traceidratio", 1.0, None, 1),
        ],
    )
    def test_is_the_one_that_is_named(self, collector, sending, sampler, ratio, parent, count):
        sending(collector.url, sampler=sampler, ratio=ratio)
        sketch = Sketch("a", tracing.SERVER)
        with context.running(request_id=None, traceparent=parent, sketch=sketch) as running:
            assert int(running.traceparent[-2:], 16) & 1 == count
        tracing.stop()
        assert len(collector.spans()) == count


@pytest.fixture
def server():
    """Answer 503 at first, and 200 from then on; keep the headers."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers)
            self.send_response(503 if len(asked) == 1 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        yield server, asked
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("own_circuits_and_connections")
class TestCall:
    def test_is_a_span_for_each_attempt_whose_answer_is_within_it(self, told, server):
        stub, asked = server
        circuit.of("catalog").succeeded(0)
        client = RestClient("catalog", f"http://user:secret@127.0.0.1:{stub.server_port}/catalog")
        with context.running(
            request_id="mine", traceparent=TRACEPARENT, sketch=Sketch("a", tracing.SERVER)
        ):
            client.get("/internal/v1/x?email=secret")
        outer = one(told(kind="SERVER"))
        first, second = told(kind="CLIENT")
        assert {first.parent_id, second.parent_id} == {outer.span_id}
        assert [headers["traceparent"] for headers in asked] == [
            f"00-{TRACE}-{span.span_id}-01" for span in (first, second)
        ]
        assert first.failed
        assert first.attributes["error.type"] == "503"
        assert "http.request.resend_count" not in first.attributes
        assert second.attributes == {
            "http.request.method": "GET",
            "http.request.resend_count": 1,
            "http.response.status_code": 200,
            "url.full": f"http://127.0.0.1:{stub.server_port}/catalog/internal/v1/x",
            "server.address": "127.0.0.1",
            "server.port": stub.server_port,
            "peer.service": "catalog",
        }

    def test_that_nobody_answers_fails_by_the_class_of_the_error(self, told):
        client = RestClient("catalog", f"http://127.0.0.1:{free_port()}")
        with (
            context.running(request_id=None, traceparent=None, sketch=Sketch("a", tracing.SERVER)),
            pytest.raises(rest.Unavailable),
        ):
            client.post("/x")
        assert one(told(kind="CLIENT")).attributes["error.type"] == "chassis.rest.Unavailable"

    def test_that_nobody_asked_for_is_told_by_nobody(self, told, server):
        stub, asked = server
        RestClient("catalog", f"http://127.0.0.1:{stub.server_port}").get("/x")
        assert {headers["traceparent"][-2:] for headers in asked} == {"00"}
        assert told() == []


@pytest.mark.usefixtures("committing")
class TestEvent:
    def test_is_created_sent_and_processed_in_the_trace_of_its_request(
        self, api, told, monkeypatch
    ):
        monkeypatch.setattr(queue, "producer", object)
        sent = []
        monkeypatch.setattr(queue, "send", lambda *its, service, with_producer: sent.extend(its))
        api.post("/api/v1/notes", {"text": "bad"}, headers={"traceparent": TRACEPARENT})
        with relay.open_session() as session:
            session.execute(relay._BEGIN, ["00000000-0000-7000-8000-000000000000"])
            relay.Relay(beat=lambda: None).publish_batch(session)
        inbox.receive(*sent, producer="order")
        spans = told()
        assert {span.trace_id for span in spans} == {TRACE}
        request = one(span for span in spans if span.kind == "SERVER")
        created = one(span for span in spans if span.name == "create sample.note_taken")
        passed_on = one(span for span in spans if span.name == "send sample.note_taken")
        kept, checked = (
            one(s for s in spans if s.attributes.get("messaging.consumer.group.name") == consumer)
            for consumer in ("sample.keep", "sample.check")
        )
        assert (created.parent_id, created.kind) == (request.span_id, "PRODUCER")
        assert (passed_on.parent_id, passed_on.kind) == (created.span_id, "PRODUCER")
        assert {(span.parent_id, span.kind) for span in (kept, checked)} == {
            (created.span_id, "CONSUMER")
        }
        assert {span.attributes["messaging.message.id"] for span in (created, passed_on, kept)} == {
            sent[0]["id"]
        }
        assert (kept.failed, checked.failed) == (False, True)
        assert checked.attributes["error.type"] == "builtins.LookupError"

    @pytest.mark.parametrize("count", [1, 3])
    def test_of_many_is_created_in_one_span(self, told, count):
        with (
            context.running(
                request_id=None, traceparent=TRACEPARENT, sketch=Sketch("a", tracing.SERVER)
            ),
            transaction.atomic(),
        ):
            outbox.publish_all(NoteTaken, [(str(n), NoteTaken(text="a")) for n in range(count)])
        span = one(told(kind="PRODUCER"))
        assert span.attributes["messaging.batch.message_count"] == count
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT traceparent FROM outbox")
            assert cursor.fetchall() == [(f"00-{TRACE}-{span.span_id}-01",)]

    def test_that_comes_again_is_told_of_again(self, told):
        message = envelope("sample.note_taken", {"text": "a"}, "s", traceparent=TRACEPARENT)
        inbox.receive(message)
        inbox.receive(message)
        assert len(told(kind="CONSUMER")) == 4


# A job's end gives its connection back, and another test may have left one open.
@pytest.mark.django_db
class TestJob:
    def test_that_had_nothing_to_do_is_not_told(self, told):
        jobs._run(Job("sample.idle", 1, lambda: 0))
        assert told() == []

    def test_that_does_something_failed_or_took_long_is_told(self, told, monkeypatch):
        def do():
            with context.telling(Sketch("within", tracing.CLIENT)) as span:
                assert span is not None

        def fail():
            raise LookupError("secret")

        def be_away():
            raise OperationalError("secret")

        for name, run in (("does", do), ("fails", fail), ("away", be_away)):
            jobs._run(Job(name, 1, run))
        monkeypatch.setattr(tracing, "QUIET_SECONDS", -1)
        jobs._run(Job("long", 1, lambda: None))
        spans = {span.name: span for span in told(kind="INTERNAL")}
        assert {name: span.failed for name, span in spans.items()} == {
            "job does": False,
            "job fails": True,
            "job away": True,
            "job long": False,
        }
        assert "secret" not in repr([dict(span.attributes) for span in spans.values()])

    def test_of_a_workers_own_is_told(self, told):
        def run(row_id, is_stopping):
            raise LookupError("secret")

        task = work.Task("sample.import", run, lambda: None)
        queue._running(task)("00000000-0000-7000-8000-000000000000")
        span = one(told())
        assert (span.name, span.failed) == ("task sample.import", True)


class TestStop:
    def test_takes_nothing_from_a_span_that_runs(self, told):
        with (
            context.running(
                request_id=None, traceparent=None, sketch=Sketch("outer", tracing.SERVER)
            ),
            context.telling(Sketch("before", tracing.CLIENT)),
        ):
            tracing.stop()
            with context.telling(Sketch("after", tracing.CLIENT)) as span:
                assert span is not None
        assert [span.name for span in told()] == []


@pytest.fixture
def silent():
    """Return the address of a collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class TestCollector:
    """What is asked of a process does not depend on it."""

    @pytest.mark.parametrize("kind", ["refuses", "hangs"])
    def test_that_is_away_holds_nobody_up_and_costs_little_memory(
        self, sending, silent, kind, caplog
    ):
        sending(silent if kind == "hangs" else f"http://127.0.0.1:{free_port()}")
        batches = batches_of(tracing._provider)
        started = time.monotonic()
        for _ in range(10_000):
            with context.running(
                request_id=None, traceparent=None, sketch=Sketch("a", tracing.SERVER)
            ):
                pass
        assert len(batches._queue) <= 2048
        assert time.monotonic() - started < 10, "spans waited for their collector"
        before = time.monotonic()
        tracing.stop()
        assert time.monotonic() - before < tracing.FLUSH_SECONDS + 2
        assert not tracing.is_on()
        assert caplog.text.count("traces_not_sent") <= 1

    def test_is_told_of_once_when_it_goes_and_once_when_it_is_back(self, collector, caplog):
        from opentelemetry.sdk.trace.export import SpanExportResult

        from chassis.otlp import Exporter

        caplog.set_level("INFO")
        results = iter(
            [
                SpanExportResult[name]
                for name in ("FAILURE", "FAILURE", "SUCCESS", "SUCCESS", "FAILURE")
            ]
        )

        class Stub:
            def export(self, spans):
                return next(results)

        counted = []
        exporter = Exporter(Stub(), lambda number, *, sent: counted.append((number, sent)))  # type: ignore[arg-type]
        for _ in range(5):
            exporter.export([None, None])  # type: ignore[list-item]
        events = [record.msg["event"] for record in caplog.records]
        assert events == ["traces_not_sent", "traces_sent_again", "traces_not_sent"]
        assert counted == [(2, False)] * 2 + [(2, True)] * 2 + [(2, False)]


@pytest.mark.long
@pytest.mark.timeout(180)
class TestProcesses:
    def test_send_what_is_left_when_they_end(self, start, take_note, collector):
        """Their batches wait for a minute, so that only their end sends any."""
        processes = {
            role: start(
                role, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="60000"
            )
            for role in ("web", "relay", "worker")
        }
        url = processes["web"].url
        wait_until(lambda: is_live(url), what=processes["web"].log)
        for role in ("relay", "worker"):
            processes[role].wait_until_healthy()
        body = {"text": "a"}
        answer = httpx.post(f"{url}/api/v1/notes", json=body, trust_env=False)
        assert answer.status_code == 201, processes["web"].log
        for role, mark in (("relay", "event_published"), ("worker", "sample.check")):
            wait_until(partial(is_logged, processes[role], mark), what=processes[role].log)
        assert collector.spans() == []
        for process in processes.values():
            assert process.stop() == 0, process.log
            assert "Traceback" not in process.log
        names = {(span.resource["souk.role"], span.name) for span in collector.spans()}
        assert names >= {
            ("web", "POST /api/v1/notes"),
            ("web", "create sample.note_taken"),
            ("relay", "send sample.note_taken"),
            ("worker", "process sample.note_taken"),
        }

    def test_write_json_with_the_ids_of_what_runs(self, start, take_note):
        processes = {role: start(role) for role in ("web", "relay", "worker")}
        url = processes["web"].url
        wait_until(lambda: is_live(url), what=processes["web"].log)
        for role in ("relay", "worker"):
            processes[role].wait_until_healthy()
        httpx.post(
            f"{url}/api/v1/notes",
            json={"text": "a"},
            headers={"X-Request-ID": "mine", "traceparent": TRACEPARENT},
            trust_env=False,
        )
        for role, mark in (("relay", "event_published"), ("worker", "sample.check")):
            wait_until(partial(is_logged, processes[role], mark), what=processes[role].log)
        for role, process in processes.items():
            assert process.stop() == 0
            lines = [json.loads(line) for line in process.log.splitlines()]
            assert {line["service"] for line in lines} == {"order"}, role
            assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
            mine = [line for line in lines if line.get("request_id") == "mine"]
            assert mine, process.log
            assert {line["trace_id"] for line in mine} == {TRACE}


def is_logged(process, text):
    return text in process.log


def is_live(url):
    try:
        return httpx.get(f"{url}/health/live", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
