"""What a process counts, told to a scraper that asks each process by itself.

A metric is declared with prometheus_client beside what it counts, and is named souk_*. A service's
web is one process with threads, so that its memory holds all of its counts. Through the gateway one
of several replicas answers: a scraper asks each at its own address. A worker and a relay tell theirs
at METRICS_BIND. What is the service's, and no process's own, its web processes tell: each the same.
"""

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Final

import prometheus_client
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily, Metric

from chassis import circuit
from chassis.database import UNAVAILABLE
from chassis.events import figures
from chassis.events.figures import Figures

log = structlog.get_logger()


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


# When each counter began, which would double the lines.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
prometheus_client.REGISTRY.register(CircuitCollector())

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


def serve() -> None:
    """Tell this process's counts at METRICS_BIND, in a thread. Where that fails the process goes on without."""
    if not settings.METRICS_BIND:
        return
    host, _, port = settings.METRICS_BIND.rpartition(":")
    try:
        prometheus_client.start_http_server(int(port), addr=host.strip("[]"))
    except (OSError, OverflowError) as error:
        log.warning("metrics_not_served", bind=settings.METRICS_BIND, error=str(error))
