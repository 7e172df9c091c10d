"""What a process counts, told to a scraper that asks each process by itself.

A metric is declared with prometheus_client beside what it counts, and is named souk_*. A service's
web is one process with threads, so that its memory holds all of its counts. Through the gateway one
of several replicas answers: a scraper asks each at its own address. A worker and a relay tell theirs
at METRICS_BIND. What is the service's, and no process's own, its web processes tell: each the same.
"""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Final

import prometheus_client
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import Info
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)

from chassis import circuit, database
from chassis.database import UNAVAILABLE
from chassis.events import figures
from chassis.events.figures import Figures

log = structlog.get_logger()


Read = Callable[[], Mapping[str, float]]

_own_figures: list[tuple[Mapping[str, str], Read]] = []


def tell_figures(help_texts: Mapping[str, str], read: Read) -> None:
    """Let the service's web processes tell figures of its own.

    Args:
        help_texts: of each figure, by its name.
        read: returns them by name; called at each scrape, so it costs one query that reads little.
    """
    _own_figures.append((help_texts, read))


class CircuitCollector:
    """The circuits as they are when somebody asks: counting them costs no call anything."""

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge: 1 for each service whose circuit is open, else 0."""
        gauge = GaugeMetricFamily(
            "souk_circuit_open", "Whether calls to a service are refused.", labels=["service"]
        )
        for name, state in circuit.states().items():
            gauge.add_metric([name], float(state == "open"))
        yield gauge


class FiguresCollector:
    """How the service's events are doing, read when somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """Yield a gauge for each figure that is known, and whether the database and the broker answer."""
        now: Figures | None = None
        try:
            now = figures.read()
        except UNAVAILABLE as error:
            log.warning("figures_not_read", error=str(error).strip())
        queue_length = figures.queue_length() if now is None else now.queue_length
        yield GaugeMetricFamily(
            "souk_database_up", "Whether the database answers.", value=float(now is not None)
        )
        yield GaugeMetricFamily(
            "souk_broker_up", "Whether the broker answers.", value=float(queue_length is not None)
        )
        known = {"queue_length": queue_length} if now is None else asdict(now)
        for figure in fields(Figures):
            if (value := known.get(figure.name)) is not None:
                help_text = figure.metadata["help"]
                yield GaugeMetricFamily(f"souk_events_{figure.name}", help_text, value=value)
        if now is not None:
            yield from _read_own()


def _read_own() -> Iterator[Metric]:
    for help_texts, read in _own_figures:
        try:
            values = read()
        except UNAVAILABLE as error:
            log.warning("figures_not_read", error=str(error).strip())
            continue
        for name, value in values.items():
            yield GaugeMetricFamily(name, help_texts[name], value=value)


class PoolCollector:
    """The process's pool of database connections, as it is when somebody asks; nothing of a process without one."""

    def collect(self) -> Iterator[Metric]:
        """Yield what of it is used, what is idle, and who waits, now and so far."""
        if (now := database.pool_stats()) is None:
            return
        size, idle = now.get("pool_size", 0), now.get("pool_available", 0)
        connections = GaugeMetricFamily(
            "souk_database_pool_connections", "Connections of the pool.", labels=["state"]
        )
        connections.add_metric(["in use"], size - idle)
        connections.add_metric(["idle"], idle)
        yield connections
        yield GaugeMetricFamily(
            "souk_database_pool_most", "Most connections of the pool.", value=now["pool_max"]
        )
        yield GaugeMetricFamily(
            "souk_database_pool_waiting",
            "Threads that wait for a connection.",
            value=now.get("requests_waiting", 0),
        )
        yield CounterMetricFamily(
            "souk_database_pool_waited_seconds",
            "What threads waited for connections.",
            value=now.get("requests_wait_ms", 0) / 1000,
        )
        yield CounterMetricFamily(
            "souk_database_pool_refused",
            "Threads that waited in vain.",
            value=now.get("requests_errors", 0),
        )


# When each counter began, which would double the lines.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
prometheus_client.REGISTRY.register(CircuitCollector())
prometheus_client.REGISTRY.register(PoolCollector())
_BUILD: Final = Info("souk_build", "What process this is, and of which release.")

_of_the_service: Final = CollectorRegistry()
_of_the_service.register(FiguresCollector())


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """Answer all counts of this process and the figures of its service, in Prometheus' text format.

    No token is asked for: the path is behind the private entry point, and the counts tell of nobody.
    Without a database or a broker it answers what is left.
    """
    return HttpResponse(
        prometheus_client.generate_latest() + prometheus_client.generate_latest(_of_the_service),
        content_type=prometheus_client.CONTENT_TYPE_PLAIN_0_0_4,
    )


@require_safe
def event_figures(request: HttpRequest) -> JsonResponse:
    """Answer how the service's events are doing, as `chassis.events.figures.Figures` has it; no token, as above."""
    return JsonResponse(asdict(figures.read()))


def describe(role: str) -> None:
    """Tell, beside the counts, what process they are of: web, worker or relay."""
    _BUILD.info(
        {
            "service": settings.SERVICE,
            "role": role,
            "version": settings.VERSION,
            "python": platform.python_version(),
        }
    )


def serve(role: str) -> None:
    """Tell this process's counts at METRICS_BIND, in a thread. Where that fails the process goes on without."""
    describe(role)
    if not settings.METRICS_BIND:
        return
    host, _, port = settings.METRICS_BIND.rpartition(":")
    try:
        prometheus_client.start_http_server(int(port), addr=host.strip("[]"))
    except (OSError, OverflowError) as error:
        log.warning("metrics_not_served", bind=settings.METRICS_BIND, error=str(error))
