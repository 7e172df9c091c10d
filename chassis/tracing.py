"""Spans of OpenTelemetry, sent to OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is made, and nothing of it is loaded.

A span of ours is begun by `chassis.context`, which knows what it is a part of. Names and attributes
are those of OpenTelemetry's semantic conventions. Nothing is written into a span that could tell of
a person: no query, no header, no body, no text of an error (docs/observability.md).
"""

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.conf import settings
from prometheus_client import Counter

Value = str | int | bool
Attributes = Mapping[str, Value]

SERVER: Final = "SERVER"
CLIENT: Final = "CLIENT"
PRODUCER: Final = "PRODUCER"
CONSUMER: Final = "CONSUMER"
INTERNAL: Final = "INTERNAL"

LONGEST_PATH: Final = 256
"""Characters of a path that a span keeps."""
FLUSH_SECONDS: Final = 3.0
"""How long a process that ends waits for its last spans to be taken."""
QUIET_SECONDS: Final = 1.0
"""What is quiet is told of when it takes longer."""

_SPANS: Final = Counter(
    "souk_spans",
    "Spans by what came of sending them: sent, or lost; but for those that the full queue dropped.",
    ["outcome"],
)


class Parent(NamedTuple):
    """The span that another process, or this one at another time, said it was in."""

    trace_id: str
    span_id: str
    flags: int


class Sketch(NamedTuple):
    """What a span is begun with.

    One that is `quiet` is a look whether there is anything to do: it is told of only if it begins
    another span, fails or takes long.
    """

    name: str
    kind: str
    attributes: Attributes = {}
    quiet: bool = False


class Span:
    """A span that runs. `traceparent` names it to whoever is asked or told something in it."""

    __slots__ = ("_has_failed", "_is_quiet", "_span", "_started", "_tracer", "traceparent")

    def __init__(self, tracer: Any, span: Any, *, is_quiet: bool = False) -> None:
        """Wrap a span of the SDK, and keep who made it: spans within it are made by the same."""
        self._tracer = tracer
        self._span = span
        self._is_quiet = is_quiet
        self._has_failed = False
        self._started = time.monotonic()
        known = span.get_span_context()
        flags = int(known.trace_flags)
        self.traceparent = f"00-{known.trace_id:032x}-{known.span_id:016x}-{flags:02x}"

    def begin(self, sketch: Sketch) -> "Span":
        """Begin a span within this one."""
        self._is_quiet = False
        return _begin(self._tracer, sketch, _within(self._span))

    def set(self, name: str, value: Value) -> None:
        """Set an attribute."""
        self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        """Give it a name that was not known when it began."""
        self._span.update_name(name)

    def fail(self, what: str | BaseException) -> None:
        """Say that it failed, and by what: a status, or the class of an error, whose text may tell of a person.

        What was said first stands: an answer's status, and not the error that it is told on by.
        """
        from opentelemetry.trace import StatusCode

        if self._has_failed:
            return
        self._is_quiet, self._has_failed = False, True
        if isinstance(what, BaseException):
            what = f"{type(what).__module__}.{type(what).__qualname__}"
        self._span.set_attribute("error.type", what)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End it now. Of what was quiet to its end nothing is sent."""
        if not self._is_quiet or time.monotonic() - self._started > QUIET_SECONDS:
            self._span.end()


_tracer: Any = None
_provider: Any = None


def is_on() -> bool:
    """Tell whether spans are made: whoever would have to work for what is in one asks first."""
    return _tracer is not None


def begin(sketch: Sketch, parent: Parent | None, *, started: int | None = None) -> Span | None:
    """Begin a span, of a new trace where it has no parent; None where no spans are made.

    Args:
        sketch: what it is.
        parent: what it is a part of.
        started: in nanoseconds of Unix time, where that was before now.
    """
    tracer = _tracer  # `stop` may take it away meanwhile
    return None if tracer is None else _begin(tracer, sketch, _far_away(parent), started)


def _begin(tracer: Any, sketch: Sketch, within: Any, started: int | None = None) -> Span:
    from opentelemetry.trace import SpanKind

    span = tracer.start_span(
        sketch.name,
        context=within,
        kind=SpanKind[sketch.kind],
        attributes=sketch.attributes,
        start_time=started,
        record_exception=False,
        set_status_on_exception=False,
    )
    return Span(tracer, span, is_quiet=sketch.quiet)


def _within(span: Any) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span, Context())


def _far_away(parent: Parent | None) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    if parent is None:
        return Context()
    return _within(
        NonRecordingSpan(
            SpanContext(
                trace_id=int(parent.trace_id, 16),
                span_id=int(parent.span_id, 16),
                is_remote=True,
                trace_flags=TraceFlags(parent.flags),
            )
        )
    )


def start(role: str) -> None:
    """Begin to make spans, where the settings name who takes them. After the fork: it starts a thread.

    Args:
        role: web, worker or relay.
    """
    global _tracer, _provider  # noqa: PLW0603 -- once for the process
    if settings.TRACES is None or _tracer is not None:
        return
    let_load()
    from chassis import otlp

    _provider = otlp.provider(settings.TRACES, role=role, count=_count)
    _tracer = _provider.get_tracer("souk", settings.VERSION)


def let_load() -> None:
    """Let OpenTelemetry be imported, which the chassis keeps out of a process that makes no spans."""
    if sys.modules.get("opentelemetry", sys) is None:
        del sys.modules["opentelemetry"]


def stop() -> None:
    """Send what is left and make no spans any more; wait for no longer than FLUSH_SECONDS."""
    global _tracer, _provider
    if _provider is None:
        return
    provider, _provider, _tracer = _provider, None, None
    # The SDK would wait for as long as its exporter takes.
    ending = threading.Thread(target=provider.shutdown, daemon=True, name="traces-end")
    ending.start()
    ending.join(FLUSH_SECONDS)


def _count(spans: int, *, sent: bool) -> None:
    _SPANS.labels("sent" if sent else "lost").inc(spans)
