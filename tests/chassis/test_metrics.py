import threading
from dataclasses import asdict, fields
from datetime import timedelta
from functools import partial

import httpx
import prometheus_client
import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from chassis import circuit, metrics
from chassis.database import UNAVAILABLE
from chassis.events import counters, figures
from chassis.events.figures import Figures
from tests.chassis.processes import wait_until
from tests.engines import free_port

pytestmark = [pytest.mark.urls("tests.chassis.sample.urls"), pytest.mark.django_db]

FIGURES = "/internal/v1/events/figures"


@pytest.fixture(autouse=True)
def _new_circuits():
    circuit.forget()
    yield
    circuit.forget()


def scrape(api):
    """Return the samples by name and labels."""
    response = api.get("/internal/v1/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    return samples_of(response.content.decode())


def samples_of(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def fail(*_, **__):
    raise UNAVAILABLE[0]("connection refused")


class TestScrape:
    def test_tells_which_circuits_are_open(self, api):
        circuit.of("auth")
        broken = circuit.of("catalog")
        broken.failed(broken.begin() or 0, is_well=lambda: False)
        samples = scrape(api)
        assert samples["souk_circuit_open", ("service", "auth")] == 0
        assert samples["souk_circuit_open", ("service", "catalog")] == 1

    def test_tells_of_the_process_itself(self, api):
        assert scrape(api)["process_resident_memory_bytes",] > 0

    def test_asks_no_token_and_one_question_of_the_database(self, api, django_assert_num_queries):
        with django_assert_num_queries(1):
            scrape(api)

    def test_tells_every_figure_of_the_events(self, api, monkeypatch):
        known = {figure.name: number for number, figure in enumerate(fields(Figures), 1)}
        monkeypatch.setattr(figures, "read", lambda: Figures(**known))
        samples = scrape(api)
        told = {name: samples[f"souk_events_{name}",] for name in known}
        assert told == known
        assert samples["souk_database_up",] == samples["souk_broker_up",] == 1

    def test_leaves_out_what_is_not_known(self, api):
        assert ("souk_events_lag_p50_seconds",) not in scrape(api)

    def test_tells_the_rest_while_the_broker_is_away(self, api, settings):
        settings.BROKER_URL = "redis://127.0.0.1:1/0"
        samples = scrape(api)
        assert samples["souk_broker_up",] == 0
        assert ("souk_events_queue_length",) not in samples
        assert samples["souk_events_unpublished",] == 0

    def test_tells_the_rest_while_the_database_is_away(self, api, monkeypatch):
        monkeypatch.setattr(figures, "fetch", fail)
        samples = scrape(api)
        assert samples["souk_database_up",] == 0
        assert ("souk_events_unpublished",) not in samples
        assert samples["souk_events_queue_length",] == 0
        assert samples["process_resident_memory_bytes",] > 0

    def test_only_reads(self, api):
        assert api.post("/internal/v1/metrics").status_code == 405


class TestEventFigures:
    def test_are_told_as_json(self, api):
        answer = api.get(FIGURES)
        assert answer.status_code == 200
        assert answer.json() == asdict(figures.read())

    def test_are_a_problem_while_the_database_is_away(self, api, monkeypatch):
        monkeypatch.setattr(figures, "fetch", fail)
        answer = api.get(FIGURES)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    def test_are_only_read(self, api):
        assert api.post(FIGURES).status_code == 405


class TestCounters:
    """What each adds, for the counts are the process's."""

    @pytest.fixture
    def added(self, api):
        before = scrape(api)

        def added(*key):
            now = scrape(api)
            return now.get(key, 0) - before.get(key, 0)

        return added

    def test_count_what_came_of_events(self, added):
        counters.published(3)
        counters.retried()
        counters.failed("sample.keep", dead=False)
        counters.failed("sample.keep", dead=True)
        counters.handled("sample.keep", timezone.now() - timedelta(seconds=3))
        counters.refused()
        assert added("souk_events_published_total") == 3
        assert added("souk_events_retried_total") == 1
        handled = partial(added, "souk_events_handled_total")
        for outcome in ("handled", "failed", "dead"):
            assert handled(("consumer", "sample.keep"), ("outcome", outcome)) == 1
        assert handled(("consumer", "order.refused"), ("outcome", "refused")) == 1
        lag = partial(added, "souk_event_lag_seconds_bucket", ("consumer", "sample.keep"))
        assert (lag(("le", "1.0")), lag(("le", "5.0"))) == (0, 1)

    def test_measure_handlers_that_fail_too(self, added):
        with pytest.raises(LookupError), counters.handling("sample.keep"):
            raise LookupError
        assert added("souk_event_handling_seconds_count", ("consumer", "sample.keep")) == 1


class TestServe:
    @pytest.fixture
    def bind(self, settings):
        settings.METRICS_BIND = f"127.0.0.1:{free_port()}"
        return settings.METRICS_BIND

    def test_tells_the_counts_of_the_process_and_no_figures(self, bind, monkeypatch):
        servers = []
        start = prometheus_client.start_http_server
        monkeypatch.setattr(
            prometheus_client,
            "start_http_server",
            lambda *args, **options: servers.append(start(*args, **options)),
        )
        metrics.serve()
        samples = samples_of(httpx.get(f"http://{bind}/metrics", trust_env=False).text)
        assert ("souk_events_published_total",) in samples
        assert ("souk_events_unpublished",) not in samples
        ((server, thread),) = servers
        server.shutdown()
        server.server_close()
        thread.join()

    def test_does_without_where_the_port_is_taken(self, bind, monkeypatch, caplog):
        monkeypatch.setattr(prometheus_client, "start_http_server", taken)
        metrics.serve()
        assert "metrics_not_served" in caplog.text

    def test_does_nothing_without_an_address(self, settings):
        settings.METRICS_BIND = None
        threads = threading.active_count()
        metrics.serve()
        assert threading.active_count() == threads


def taken(*_, **__):
    raise OSError("Address already in use")


class TestProcesses:
    @pytest.mark.timeout(180)
    def test_worker_and_relay_count_what_they_do(self, start, take_note):
        ports = {role: free_port() for role in ("relay", "worker")}
        processes = {
            role: start(role, METRICS_BIND=f"127.0.0.1:{port}") for role, port in ports.items()
        }

        def told(role):
            url = f"http://127.0.0.1:{ports[role]}/metrics"
            return samples_of(httpx.get(url, trust_env=False).text)

        for process in processes.values():
            process.wait_until_healthy()
        take_note("a")
        keep = ("souk_events_handled_total", ("consumer", "sample.keep"), ("outcome", "handled"))
        wait_until(lambda: told("worker").get(keep) == 1, what=processes["worker"].log)
        wait_until(lambda: told("relay")["souk_events_published_total",] == 1)
        assert told("worker")["souk_event_lag_seconds_count", ("consumer", "sample.keep")] == 1
