import threading
from dataclasses import asdict, fields
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import prometheus_client
import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from psycopg_pool import ConnectionPool, PoolTimeout

from chassis import circuit, metrics, traffic
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

    def test_asks_no_token_and_two_questions_of_the_database(self, api, django_assert_num_queries):
        with django_assert_num_queries(2):  # of the events, and of what the service adds
            scrape(api)

    def test_tells_what_a_service_adds_and_the_rest_where_that_fails(self, api, monkeypatch):
        monkeypatch.setattr(metrics, "_own_figures", [])
        metrics.tell_figures({"souk_lost": "Never told."}, fail)
        metrics.tell_figures(
            {"souk_sample_waiting": "Notes that wait."}, lambda: {"souk_sample_waiting": 3}
        )
        samples = scrape(api)
        assert samples["souk_sample_waiting",] == 3
        assert ("souk_lost",) not in samples

    def test_tells_what_process_it_is(self, api):
        metrics.describe("web")
        labels = {"service": "order", "role": "web", "version": "dev"}
        (told,) = (set(key[1:]) for key in scrape(api) if key[0] == "souk_build_info")
        assert told >= set(labels.items())

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


class TestPool:
    @pytest.fixture
    def pool(self, monkeypatch):
        """Give the process a pool of two connections, one of which is taken."""
        parameters = connection.get_connection_params()
        for django_own in ("cursor_factory", "context"):
            parameters.pop(django_own, None)
        with ConnectionPool(kwargs=parameters, min_size=1, max_size=2, timeout=0.1) as pool:
            pools: Any = connection
            monkeypatch.setitem(pools._connection_pools, "default", pool)
            yield pool

    def test_is_told(self, api, pool):
        pool.wait()
        with pool.connection(), pool.connection():
            with pytest.raises(PoolTimeout):
                pool.getconn()
            samples = scrape(api)
        assert samples["souk_database_pool_connections", ("state", "in use")] == 2
        assert samples["souk_database_pool_connections", ("state", "idle")] == 0
        assert samples["souk_database_pool_most",] == 2
        assert samples["souk_database_pool_refused_total",] == 1
        assert samples["souk_database_pool_waited_seconds_total",] >= 0.1

    def test_of_which_there_is_none_is_not_told(self, api):
        assert not [key for key in scrape(api) if key[0].startswith("souk_database_pool")]


class TestRequests:
    """What a request adds to the counts of the process, whoever answers it."""

    @pytest.fixture
    def added(self, api):
        before = scrape(api)

        def added(method, route, status):
            key = (
                "souk_http_request_seconds_count",
                ("method", method),
                ("route", route),
                ("status", status),
            )
            return scrape(api).get(key, 0) - before.get(key, 0)

        return added

    def test_are_counted_by_the_template_of_their_path(self, api, added):
        api.get("/internal/v1/events/figures?x=1")
        assert added("GET", "/internal/v1/events/figures", "2xx") == 1

    def test_without_a_view_share_a_series_whatever_they_ask(self, api, added):
        for number in range(3):
            api.generic(f"BREW{number}", f"/nothing/{number}")
        assert added("_OTHER", "", "4xx") == 3

    def test_are_not_counted_where_a_probe_asks(self, api, added):
        api.get("/health/live")
        assert added("GET", "/health/live", "2xx") == 0

    def test_are_in_flight_until_they_are_answered(self, api):
        assert scrape(api)["souk_http_requests_in_flight",] == 1  # the scrape itself

    @pytest.mark.parametrize(
        ("route", "template"),
        [
            ("api/v1/orders/<uuid:order_id>", "/api/v1/orders/{order_id}"),
            ("a/<b>/<path:c>", "/a/{b}/{c}"),
            ("", "/"),
        ],
    )
    def test_have_templates_as_others_write_them(self, route, template):
        assert traffic._template(route) == template


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
        metrics.serve("relay")
        samples = samples_of(httpx.get(f"http://{bind}/metrics", trust_env=False).text)
        assert ("souk_events_published_total",) in samples
        assert ("souk_events_unpublished",) not in samples
        ((server, thread),) = servers
        server.shutdown()
        server.server_close()
        thread.join()

    def test_does_without_where_the_port_is_taken(self, bind, monkeypatch, caplog):
        monkeypatch.setattr(prometheus_client, "start_http_server", taken)
        metrics.serve("relay")
        assert "metrics_not_served" in caplog.text

    def test_does_nothing_without_an_address(self, settings):
        settings.METRICS_BIND = None
        threads = threading.active_count()
        metrics.serve("relay")
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
