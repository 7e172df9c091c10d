"""HTTPS with a certificate of one's own, or with one that an authority is asked for."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import gateway
from local.home import parse_variables
from tests.certificates import self_signed
from tests.engines import free_port
from tests.gateway.running import Answer, Gateway, read, started

NAME = "shop.example"


@dataclass(frozen=True)
class Secure:
    """A gateway with TLS: its port, and the certificate that clients trust."""

    souk: Gateway
    port: int
    trusted: Path

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.trusted))

    def ask(self, path: str, **headers: str) -> Answer:
        """Read a path over HTTPS, with the certificate checked for NAME."""
        connection = _Named("127.0.0.1", self.port, context=self.context(), timeout=30)
        try:
            connection.request("GET", path, headers={"Host": NAME, **headers})
            return read(connection.getresponse())
        finally:
            connection.close()


class _Named(HTTPSConnection):
    """Connects to an address, and expects the certificate of NAME there."""

    def connect(self) -> None:
        super(HTTPSConnection, self).connect()
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname=NAME)


def write_certificate(folder: Path) -> dict[str, str]:
    """Write a certificate of NAME's own and its key; return the variables that name them."""
    pem, private = folder / "certificate.pem", folder / "key.pem"
    for file, content in zip((pem, private), self_signed(NAME), strict=True):
        file.write_bytes(content)
    return {"TLS_CERTIFICATE_FILE": str(pem), "TLS_KEY_FILE": str(private)}


def tls_variables(folder: Path, port: int) -> dict[str, str]:
    """Return what gateway/tls.env adds, with this machine's port and folder."""
    return {
        **parse_variables((gateway.FOLDER / "tls.env").read_text()),
        "TRAEFIK_ENTRYPOINTS_SECURE_ADDRESS": f"127.0.0.1:{port}",
        "TRAEFIK_ENTRYPOINTS_PUBLIC_HTTP_REDIRECTIONS_ENTRYPOINT_TO": f":{port}",
        "TRAEFIK_CERTIFICATESRESOLVERS_ACME_ACME_STORAGE": str(folder / "acme.json"),
        **write_certificate(folder),
    }


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder, port = tmp_path_factory.mktemp("secure"), free_port()
    with started(folder, **tls_variables(folder, port)) as souk:
        yield Secure(souk, port, folder / "certificate.pem")


class TestOwnCertificate:
    def test_is_shown_and_its_services_answer(self, secure: Secure) -> None:
        answer = secure.ask("/api/v1/orders")
        assert (answer.status, answer.told["path"]) == (200, "/api/v1/orders")

    def test_tells_services_that_the_client_came_by_https(self, secure: Secure) -> None:
        """Upon that they send their cookies for HTTPS alone, and links that begin with it."""
        told = secure.ask("/admin/auth/", **{"X-Forwarded-Proto": "http"}).told["headers"]
        assert (told["x-forwarded-proto"], told["host"]) == ("https", NAME)

    def test_is_wanted_from_now_on(self, secure: Secure) -> None:
        policy = "max-age=31536000; includeSubDomains; preload"
        assert secure.ask("/api/v1/orders").headers["strict-transport-security"] == policy

    def test_keeps_the_rules_of_the_public_entry_point(self, secure: Secure) -> None:
        for path in ("/internal/v1/x", "/api/v1/catalog/../../../internal/v1/x"):
            assert secure.ask(path).told["path"] == "/unrouted"
        assert secure.ask("/api/v1/catalog/%2finternal").status == 400
        told = secure.ask("/api/v1/orders", X_Forwarded_For="6.6.6.6").told
        assert "6.6.6.6" not in str(told)

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
    def test_is_not_shown_to_old_versions_of_the_protocol(self, secure: Secure) -> None:
        context = secure.context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        connection = _Named("127.0.0.1", secure.port, context=context, timeout=30)
        with pytest.raises(ssl.SSLError, match=r"(?i)version"):
            connection.connect()


class TestPlainHttp:
    @pytest.mark.parametrize(("method", "status"), [("GET", 301), ("POST", 308), ("PUT", 308)])
    def test_is_sent_to_https(self, secure: Secure, method: str, status: int) -> None:
        seen = len(secure.souk.seen())
        given = {"Host": NAME, "Content-Length": "0"}
        answer = secure.souk.ask("/api/v1/orders?a=b", method, headers=given)
        where = f"https://{NAME}:{secure.port}/api/v1/orders?a=b"
        assert (answer.status, answer.headers["location"]) == (status, where)
        assert len(secure.souk.seen()) == seen

    def test_is_how_services_go_on_calling_each_other(self, secure: Secure) -> None:
        answer = secure.souk.ask("/order/internal/v1/x", port=secure.souk.private)
        assert answer.told["path"] == "/internal/v1/x"


class TestAuthority:
    def test_is_asked_for_a_certificate_of_the_domains(self, tmp_path: Path) -> None:
        asked = threading.Event()

        class Authority(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/directory":
                    asked.set()
                self.send_error(503)

            do_HEAD = do_POST = do_GET  # noqa: N815 -- http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as above
                pass

        variables = tls_variables(tmp_path, free_port())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(variables["TLS_CERTIFICATE_FILE"], variables["TLS_KEY_FILE"])
        with ThreadingHTTPServer(("127.0.0.1", 0), Authority) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            resolver = "TRAEFIK_CERTIFICATESRESOLVERS_ACME_ACME"
            variables |= {
                "TLS_DOMAINS": f"{NAME},www.{NAME}",
                f"{resolver}_EMAIL": f"operator@{NAME}",
                f"{resolver}_CASERVER": f"https://127.0.0.1:{server.server_port}/directory",
                # What the gateway's ACME client (lego) believes of the authority.
                "LEGO_CA_CERTIFICATES": variables["TLS_CERTIFICATE_FILE"],
                "LEGO_CA_SERVER_NAME": NAME,
            }
            with started(tmp_path, **variables) as souk:
                assert asked.wait(timeout=30), souk.output.read_text()
            server.shutdown()
        assert (tmp_path / "acme.json").stat().st_mode & 0o777 == 0o600
