"""Traefik with what the cluster would tell it, and with what `make run` gives it."""

import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from local import gateway
from tests.certificates import self_signed
from tests.kubernetes import OVERLAYS, traefik
from tests.kubernetes.cluster import Cluster, endpoints
from tests.kubernetes.kustomize import Document, render

HOST: Final = "shop.example.com"


@pytest.fixture(scope="session")
def small() -> list[Document]:
    """Return the manifests of a small cluster."""
    return render(OVERLAYS / "small")


def gateway_variables(documents: list[Document]) -> dict[str, str]:
    """Return the environment that the cluster's gateway gets."""
    (data,) = [
        one["data"]
        for one in documents
        if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", "gateway")
    ]
    return dict(data)


@dataclass
class InCluster:
    """A gateway in a cluster: auth and order have a pod that is ready, catalog's is not."""

    cluster: Cluster
    configuration: dict[str, Any] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    # The paths that reached a pod.
    seen: list[str] = field(default_factory=list)
    certificate: str = ""

    def ask(self, path: str, entry_point: str = "public") -> tuple[int, str | None]:
        """Return the status of the answer to a GET, and where it sends the client."""
        connection = self._connection(self.ports[entry_point], secure=entry_point == "secure")
        try:
            connection.request("GET", path, headers={"Host": HOST})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location")
        finally:
            connection.close()

    def _connection(self, port: int, *, secure: bool) -> HTTPConnection:
        connection = HTTPConnection(HOST, port)
        raw = socket.create_connection(("127.0.0.1", port), timeout=10)
        context = ssl.create_default_context(cadata=self.certificate)
        connection.sock = context.wrap_socket(raw, server_hostname=HOST) if secure else raw
        return connection

    def pod(self) -> type[BaseHTTPRequestHandler]:
        """Return a handler that notes the path and answers 200."""
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
                pass

        return Handler


@pytest.fixture(scope="session")
def in_cluster(
    small: list[Document], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InCluster]:
    with _running(small, tmp_path_factory.mktemp("small")) as running:
        yield running


@pytest.fixture(scope="session")
def in_production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InCluster]:
    """Return the gateway of the production overlay, with a certificate for its host."""
    with _running(
        render(OVERLAYS / "production"), tmp_path_factory.mktemp("production")
    ) as running:
        yield running


@contextmanager
def _running(documents: list[Document], folder: Path) -> Iterator[InCluster]:
    certificate, key = (pem.decode() for pem in self_signed(HOST))
    running = InCluster(Cluster([*documents, _tls_secret(certificate, key)]))
    running.certificate = certificate
    variables = gateway_variables(documents)
    with ThreadingHTTPServer(("127.0.0.1", 0), running.pod()) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        running.cluster.documents += [
            endpoints(f"{service}-web", "127.0.0.1", server.server_port, ready=service != "catalog")
            for service in ("auth", "catalog", "order")
        ]
        with running.cluster.serving():
            own = {
                "TRAEFIK_PROVIDERS_KUBERNETESCRD_ENDPOINT": running.cluster.url,
                "TRAEFIK_PROVIDERS_KUBERNETESCRD_TOKEN": "nobody-asks-for-it",
            }
            with traefik.running({**variables, **own}, folder / "traefik.log") as started:
                running.ports = started.ports
                running.configuration = started.configuration()
                yield running
        server.shutdown()


def _tls_secret(certificate: str, key: str) -> Document:
    data = {"tls.crt": certificate, "tls.key": key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "souk-tls", "namespace": "souk"},
        "data": {name: b64encode(value.encode()).decode() for name, value in data.items()},
    }


@pytest.fixture(scope="session")
def of_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what Traefik makes of gateway/, as `make run` starts it."""
    nowhere = {service: ["http://127.0.0.1:1"] for service in ("auth", "catalog", "order")}
    log = tmp_path_factory.mktemp("files") / "traefik.log"
    with traefik.running(gateway.variables(0, 0, 0, nowhere), log) as started:
        return started.configuration()
