"""OpenTelemetry's SDK, set up as the settings say. Loaded by `chassis.tracing`, where spans are sent."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

PATH: Final = "/v1/traces"

log = structlog.get_logger()


class Exporter(SpanExporter):
    """Sends spans, and says once when that begins to fail, and once when it is over."""

    def __init__(self, exporter: SpanExporter, count: Callable[..., None]) -> None:
        """Wrap the exporter that sends; `count` is told how many spans, and whether they were `sent`."""
        self._exporter = exporter
        self._count = count
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, in the processor's thread."""
        result = self._exporter.export(spans)
        is_sent = result is SpanExportResult.SUCCESS
        self._count(len(spans), sent=is_sent)
        if is_sent and self._is_failing:
            log.info("traces_sent_again")
        elif not is_sent and not self._is_failing:
            log.warning("traces_not_sent")
        self._is_failing = not is_sent
        return result

    def shutdown(self) -> None:
        """End what is under way."""
        self._exporter.shutdown()


def provider(told: Mapping[str, Any], *, role: str, count: Callable[..., None]) -> TracerProvider:
    """Return a provider that samples and sends as told, by a thread that it starts.

    What the settings do not say the SDK reads from its own variables: the sizes of its queue and
    batches (OTEL_BSP_*), certificates (OTEL_EXPORTER_OTLP_CERTIFICATE).

    Args:
        told: the setting TRACES.
        role: of the process.
        count: see `Exporter`.
    """
    made = TracerProvider(
        sampler=_sampler(told["sampler"], told["ratio"]),
        resource=_resource(told, role),
        shutdown_on_exit=False,  # chassis.tracing does it, and waits for less long
    )
    exporter = OTLPSpanExporter(endpoint=told["endpoint"] + PATH, headers=told["headers"])
    made.add_span_processor(BatchSpanProcessor(Exporter(exporter, count)))
    return made


def _resource(told: Mapping[str, Any], role: str) -> Resource:
    instance = f"{socket.gethostname()}-{role}-{os.getpid()}"
    return Resource.create({"service.instance.id": instance, "souk.role": role, **told["resource"]})


def _sampler(name: str, ratio: float) -> sampling.Sampler:
    samplers: dict[str, sampling.Sampler] = {
        "always_on": sampling.ALWAYS_ON,
        "always_off": sampling.ALWAYS_OFF,
        "traceidratio": sampling.TraceIdRatioBased(ratio),
    }
    root = samplers[name.removeprefix("parentbased_")]
    return sampling.ParentBased(root) if name.startswith("parentbased_") else root
