"""A collector for tests: takes spans by OTLP over HTTP, as Tempo or any other does."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from chassis import tracing

tracing.let_load()

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: E402
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1 import trace_pb2  # noqa: E402


@dataclass(frozen=True, slots=True)
class Told:
    """A span as it was sent."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    seconds: float
    failed: bool
    attributes: Mapping[str, Any] = field(repr=False)
    resource: Mapping[str, Any] = field(repr=False)


class Collector:
    """Listens on a port of its own while the block runs, and keeps every span."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._spans: list[Told] = []
        self.headers: list[Mapping[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def spans(self, **wanted: str) -> list[Told]:
        """Return the spans whose fields are these, in the order in which they came."""
        return [
            one
            for one in list(self._spans)
            if all(getattr(one, name) == value for name, value in wanted.items())
        ]

    def _take(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        assert path == "/v1/traces", path
        self.headers.append(headers)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _attributes(of_resource.resource.attributes)
            self._spans += [
                _told(span, resource) for scope in of_resource.scope_spans for span in scope.spans
            ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = b"".join(self._chunks())
                if self.headers["Content-Encoding"] == "gzip":  # as Traefik sends
                    body = gzip.decompress(body)
                collector._take(self.path, body, dict(self.headers))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _chunks(self) -> Iterator[bytes]:
                if self.headers["Transfer-Encoding"] != "chunked":
                    yield self.rfile.read(int(self.headers["Content-Length"]))
                    return
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        return Handler


def _told(span: trace_pb2.Span, resource: Mapping[str, Any]) -> Told:
    return Told(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        service=resource.get("service.name", ""),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in pairs
    }
