"""What the files of gateway/ must say, whoever reads them."""

import re
from pathlib import Path

import pytest
import yaml

from local import gateway
from local.home import parse_variables

PUBLIC, SECURE = "TRAEFIK_ENTRYPOINTS_PUBLIC_", "TRAEFIK_ENTRYPOINTS_SECURE_"


def variables(name: str) -> dict[str, str]:
    """Return what a file of variables sets."""
    return parse_variables((gateway.FOLDER / name).read_text(encoding="utf-8"))


def of(entry_point: str, found: dict[str, str]) -> dict[str, str]:
    """Return an entry point's rules."""
    rules = {k.removeprefix(entry_point): v for k, v in found.items() if k.startswith(entry_point)}
    return {k: v for k, v in rules.items() if k != "ADDRESS" and "REDIRECTIONS" not in k}


class TestEntryPoints:
    def test_for_clients_have_the_same_rules_with_and_without_tls(self) -> None:
        rules = of(PUBLIC, variables("traefik.env"))
        assert len(rules) > 10
        assert of(SECURE, variables("tls.env")) == rules

    def test_trust_no_address(self) -> None:
        found = {**variables("traefik.env"), **variables("tls.env"), **variables("containers.env")}
        assert not [k for k in found if re.search("FORWARDEDHEADERS|PROXYPROTOCOL|INSECURE", k)]


class TestApi:
    def test_is_off(self) -> None:
        """Behind its switch, `insecure` would open it at a port of its own."""
        assert variables("traefik.env")["TRAEFIK_API"] == "false"


class TestTransport:
    def test_lets_a_connection_go_before_gunicorn_does(self) -> None:
        """A POST on a connection that the server has just closed meets a 502."""
        services = (gateway.FOLDER / "dynamic" / "services.yaml").read_text()
        idle = re.search(r"idleConnTimeout: (\d+)s", services)
        web = Path("chassis/management/commands/web.py").read_text()
        keepalive = re.search(r"^KEEPALIVE_SECONDS: Final = (\d+)$", web, re.MULTILINE)
        assert idle
        assert keepalive
        assert int(idle[1]) * 2 <= int(keepalive[1])


class TestBodies:
    def room(self, file: str, pattern: str) -> int:
        """Return the MiB in which bodies may wait."""
        found = re.search(pattern, (gateway.FOLDER.parent / file).read_text(encoding="utf-8"))
        assert found
        return int(found[1])

    def test_that_one_address_may_send_at_once_have_room_to_wait(self) -> None:
        text = (gateway.FOLDER / "dynamic" / "middlewares.yaml").read_text(encoding="utf-8")
        limits = yaml.safe_load(re.sub(r'"{{ env .* }}"', "0", text))["http"]["middlewares"]
        at_once, uploads = (
            limits[name]["inFlightReq"]["amount"] for name in ("at-once", "uploads-at-once")
        )
        body, file = (
            limits[name]["buffering"]["maxRequestBodyBytes"] for name in ("body", "file-body")
        )
        most = ((at_once - uploads) * body + uploads * file) / 1024**2
        assert most > 600
        compose = self.room("compose/platform.yaml", r'tmpfs: \["/tmp:size=(\d+)m,')
        assert compose >= most
        cluster = self.room("deploy/kubernetes/base/gateway/traefik.yaml", r"sizeLimit: (\d+)Gi")
        assert cluster * 1024 >= most


class TestEngineFilter:
    CONFIGURATION = (gateway.FOLDER / "haproxy.cfg").read_text()

    @pytest.fixture
    def allowed(self) -> "re.Pattern[str]":
        found = re.search(r"403 unless \{ path -m reg (\S+) \}", self.CONFIGURATION)
        assert found
        return re.compile(found[1])

    @pytest.mark.parametrize(
        "path",
        [
            "/version",
            "/v1.45/version",
            "/_ping",
            "/v1.45/events",
            "/v1.45/containers/json",
            "/v1.45/containers/souk-auth-1/json",
            "/v1.45/networks",
            "/v1.45/networks/souk_auth",
        ],
    )
    def test_lets_through_what_traefik_reads(self, allowed: "re.Pattern[str]", path: str) -> None:
        assert allowed.search(path)

    @pytest.mark.parametrize(
        "path",
        [
            "/info",
            "/v1.45/images/json",
            "/v1.45/secrets",
            "/v1.45/containers/a/logs",
            "/v1.45/containers/a/export",
            "/v1.45/containers/a/archive",
            "/v1.45/containers/a/top",
            "/v1.45/containers/../images/json",
            "/v1.45/containers/..%2fimages/json",
            "/v1.45/containers/a/../../images/json",
            "/v1.45/containers/json/",
            "/v1.45/exec/a/json",
            "//containers/json",
            "/v1/containers/json",
            "/v1.45/containers/a/json\n/images/json",
        ],
    )
    def test_lets_nothing_else_through(self, allowed: "re.Pattern[str]", path: str) -> None:
        assert not allowed.search(path)

    def test_takes_no_request_that_changes_anything(self) -> None:
        assert "deny_status 403 unless METH_GET or { method HEAD }" in self.CONFIGURATION
