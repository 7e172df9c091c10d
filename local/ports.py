"""Loopback ports: the gateway's is chosen by the user, every other one is picked free and kept."""

import json
import os
import random
import socket
from collections.abc import Iterable

from local.errors import PlatformError
from local.home import DEFAULT_GATEWAY_PORT, Home, read_json, write_private

HOST = "127.0.0.1"

# Below the range from which Linux and macOS take the port of an outgoing connection: a server
# that is restarted would otherwise now and then find its port taken by a client.
_FIRST, _LAST = 20000, 32000
_HIGHEST_PORT = 65535


def gateway_port() -> int:
    """Return the port that SOUK_PORT names, 8000 by default.

    Raises: PlatformError when it is not a port number.
    """
    text = os.environ.get("SOUK_PORT") or str(DEFAULT_GATEWAY_PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _HIGHEST_PORT:
        raise PlatformError(f"SOUK_PORT is {text!r}, which is not a port number from 1 to 65535.")
    return int(text)


def require_free_gateway_port(port: int) -> None:
    """Raises: PlatformError when the gateway could not listen on the port."""
    try:
        _bind(port)
    except PermissionError as error:
        raise PlatformError(
            f"Port {port} needs a privileged user; set SOUK_PORT to a port above 1023."
        ) from error
    except OSError as error:
        raise PlatformError(
            f"Port {port} is taken by another program; set SOUK_PORT to a free port."
        ) from error


def read_ports(home: Home) -> dict[str, int]:
    """Return the ports of the last start, by process name."""
    return read_json(home.path / "ports.json")


def pick_ports(home: Home, names: Iterable[str]) -> dict[str, int]:
    """Return a free port per name, the remembered one where it is still free; remember them all."""
    remembered = read_ports(home)
    ports: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        if port is None or port in ports.values() or not is_free(port):
            port = _pick(taken={*remembered.values(), *ports.values()})
        ports[name] = port
    write_private(home.path / "ports.json", json.dumps({**remembered, **ports}))
    return ports


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now."""
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _pick(taken: set[int]) -> int:
    candidates = [port for port in range(_FIRST, _LAST) if port not in taken]
    random.shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    raise PlatformError(f"No port from {_FIRST} to {_LAST} is free on {HOST}.")


def _bind(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
