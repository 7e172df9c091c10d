"""What a process counts, told to a scraper that asks each process by itself.

A metric is declared with prometheus_client beside what it counts, and is named souk_*. A service's
web is one process with threads, so that its memory holds all of its counts. Through the gateway one
of several replicas answers: a scraper asks each at its own address.
"""

from collections.abc import Iterator

import prometheus_client
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client.core import GaugeMetricFamily, Metric

from chassis import circuit


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


# When each counter began, which would double the lines.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
prometheus_client.REGISTRY.register(CircuitCollector())


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """Answer all counts of this process, in Prometheus' text format.

    No token is asked for: the path is behind the private entry point, and the counts tell of nobody.
    """
    return HttpResponse(
        prometheus_client.generate_latest(),
        content_type=prometheus_client.CONTENT_TYPE_PLAIN_0_0_4,
    )
