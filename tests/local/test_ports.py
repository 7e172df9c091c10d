"""Ports are picked free, kept, and told in a sentence when they cannot be had."""

import socket
import stat
from collections.abc import Iterator

import pytest

from local import ports
from local.errors import PlatformError
from local.home import Home


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that somebody listens on."""
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


class TestPickedPorts:
    def test_are_free_and_different(self, home: Home) -> None:
        picked = ports.pick_ports(home, [f"process-{number}" for number in range(20)])
        assert len(set(picked.values())) == 20
        assert all(ports.is_free(port) for port in picked.values())
        assert all(20000 <= port < 32000 for port in picked.values())

    def test_are_kept_for_the_next_start(self, home: Home) -> None:
        first = ports.pick_ports(home, ["a", "b"])
        assert ports.pick_ports(home, ["b", "a"]) == first
        assert stat.S_IMODE((home.path / "ports.json").stat().st_mode) == 0o600

    def test_are_remembered_for_replicas_that_are_not_started_now(self, home: Home) -> None:
        first = ports.pick_ports(home, ["a", "b"])
        ports.pick_ports(home, ["a"])
        assert ports.pick_ports(home, ["a", "b"]) == first

    def test_are_others_when_somebody_took_them(self, home: Home) -> None:
        port = ports.pick_ports(home, ["a", "b"])["a"]
        with socket.create_server((ports.HOST, port)):
            picked = ports.pick_ports(home, ["a", "b"])
        assert port not in picked.values()

    def test_run_out_with_a_sentence(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ports, "is_free", lambda _: False)
        with pytest.raises(PlatformError, match=r"^No port from 20000 to 32000 is free"):
            ports.pick_ports(home, ["a"])


class TestGatewayPort:
    def test_is_8000_unless_souk_port_names_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SOUK_PORT", raising=False)
        assert ports.gateway_port() == 8000
        monkeypatch.setenv("SOUK_PORT", "8123")
        assert ports.gateway_port() == 8123

    @pytest.mark.parametrize(
        "text", ["0", "65536", "-1", "8000.0", "http", "\uff18\uff10\uff10\uff10", " 8000"]
    )
    def test_is_a_port_number(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("SOUK_PORT", text)
        with pytest.raises(PlatformError) as error:
            ports.gateway_port()
        expected = f"SOUK_PORT is {text!r}, which is not a port number from 1 to 65535."
        assert str(error.value) == expected

    def test_must_be_free(self, taken: int) -> None:
        with pytest.raises(PlatformError) as error:
            ports.require_free_gateway_port(taken)
        expected = f"Port {taken} is taken by another program; set SOUK_PORT to a free port."
        assert str(error.value) == expected

    def test_may_need_a_privileged_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_port: int) -> None:
            raise PermissionError

        monkeypatch.setattr(ports, "_bind", refuse)
        with pytest.raises(PlatformError) as error:
            ports.require_free_gateway_port(80)
        expected = "Port 80 needs a privileged user; set SOUK_PORT to a port above 1023."
        assert str(error.value) == expected
