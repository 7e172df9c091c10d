"""A cluster's API as far as Traefik asks it, made of manifests: its lists, and watches that tell no news."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.kubernetes.kustomize import Document

KINDS: Final = {
    "configmaps": "ConfigMap",
    "endpointslices": "EndpointSlice",
    "ingressroutes": "IngressRoute",
    "ingressroutetcps": "IngressRouteTCP",
    "ingressrouteudps": "IngressRouteUDP",
    "middlewares": "Middleware",
    "middlewaretcps": "MiddlewareTCP",
    "secrets": "Secret",
    "serverstransports": "ServersTransport",
    "serverstransporttcps": "ServersTransportTCP",
    "services": "Service",
    "tlsoptions": "TLSOption",
    "tlsstores": "TLSStore",
    "traefikservices": "TraefikService",
}
_VERSION: Final = "1"


@dataclass
class Cluster:
    """What there is, and what was asked for: (API group, resource)."""

    documents: list[Document]
    asked: set[tuple[str, str]] = field(default_factory=set)
    url: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)

    def objects(self, kind: str) -> list[Document]:
        return [
            {
                **one,
                "metadata": {**one["metadata"], "uid": f"{number}", "resourceVersion": _VERSION},
            }
            for number, one in enumerate(self.documents)
            if one["kind"] == kind
        ]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                *group, _namespaces, _name, resource = path.strip("/").split("/")
                cluster.asked.add((group[1] if group[0] == "apis" else "", resource))
                version = "/".join(group[1:])
                if "watch=" in query:
                    self._watch(KINDS[resource], version, initial="sendInitialEvents=true" in query)
                else:
                    self._list(KINDS[resource], version)

            def _list(self, kind: str, version: str) -> None:
                answer = {
                    "kind": f"{kind}List",
                    "apiVersion": version,
                    "metadata": {"resourceVersion": _VERSION},
                    "items": cluster.objects(kind),
                }
                body = json.dumps(answer).encode()
                self._head("Content-Length", str(len(body)))
                self.wfile.write(body)

            def _watch(self, kind: str, version: str, *, initial: bool) -> None:
                """Tell all there is if that is wanted, and that it was all; then nothing more."""
                self._head("Transfer-Encoding", "chunked")
                if initial:
                    for one in cluster.objects(kind):
                        self._tell("ADDED", one)
                    marks = {"k8s.io/initial-events-end": "true"}
                    end = {"resourceVersion": _VERSION, "annotations": marks}
                    self._tell("BOOKMARK", {"kind": kind, "apiVersion": version, "metadata": end})
                cluster._ended.wait(60)
                self.close_connection = True

            def _head(self, name: str, value: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header(name, value)
                self.end_headers()

            def _tell(self, event: str, one: Any) -> None:
                line = json.dumps({"type": event, "object": one}).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
                pass

        return Handler

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer at `url`, on this machine alone."""
        with ThreadingHTTPServer(("127.0.0.1", 0), self.handler()) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield
            finally:
                self._ended.set()
                server.shutdown()


def endpoints(service: str, address: str, port: int, *, ready: bool = True) -> Document:
    """Return what a cluster tells of one pod behind a service."""
    conditions = {"ready": ready, "serving": ready, "terminating": False}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-1",
            "namespace": "souk",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": conditions}],
    }
