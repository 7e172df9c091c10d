"""The home of one platform on this machine: where things are kept, its secrets and its lock.

`manage.py` imports this module in every command of a service: standard library only.
"""

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import PlatformError

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("auth", "catalog", "order")
DEFAULT_GATEWAY_PORT = 8000
LEAST_FREE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True)
class Home:
    """The folder that holds everything one platform keeps; mode 0700."""

    path: Path

    @property
    def data(self) -> Path:
        """What must survive: the engines' files and the uploaded pictures."""
        return self.path / "data"

    @property
    def environment(self) -> Path:
        """One file of variables per service."""
        return self.path / "env"

    @property
    def logs(self) -> Path:
        """One log per process, rotated by supervisord."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """What is written anew at each start."""
        return self.path / "run"

    @property
    def health(self) -> Path:
        """The files that workers and relays touch while they are well."""
        return self.run / "health"

    @property
    def seeded(self) -> Path:
        """Exists once the demo data were put in completely."""
        return self.path / "seeded"

    def prepare(self) -> None:
        """Make the folders.

        Raises: PlatformError when the home cannot be written or its disk is nearly full.
        """
        if not str(self.path).isprintable():
            raise PlatformError(
                f"SOUK_HOME holds characters that cannot be printed: {self.path!r}."
            )
        folders = (self.path, self.data, self.environment, self.logs, self.run, self.health)
        try:
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.run):
                pass
        except OSError as error:
            raise PlatformError(
                f"The home {self.path} cannot be written ({error.strerror}); "
                "set SOUK_HOME to a folder of yours."
            ) from error
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE_BYTES:
            raise PlatformError(
                f"The disk of {self.path} has {free // 2**20} MiB free; "
                f"Souk needs {LEAST_FREE_BYTES // 2**20} MiB."
            )

    @contextlib.contextmanager
    def lock(self, wait_seconds: float = 0) -> Iterator[None]:
        """Keep every other command that starts or stops this platform out.

        Raises: PlatformError when another holds the lock after `wait_seconds`.
        """
        deadline = time.monotonic() + wait_seconds
        try:
            opened = (self.path / "lock").open("w")
        except OSError as error:
            raise PlatformError(f"{self.path} cannot be written ({error.strerror}).") from error
        with opened as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() >= deadline:
                        raise PlatformError(
                            f"Another command is starting or stopping the platform in {self.path}; "
                            "wait for it to end."
                        ) from error
                time.sleep(0.1)
            yield

    def read_state(self) -> dict[str, Any]:
        """Return what the last start noted: gateway_port, replicas, ready. Empty when stopped."""
        return read_json(self.run / "state.json")

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Note how the platform was started."""
        write_private(self.run / "state.json", json.dumps(state))

    def forget_state(self) -> None:
        """Note that the platform is stopped. Idempotent."""
        (self.run / "state.json").unlink(missing_ok=True)

    def read_secrets(self) -> "Secrets":
        """Return the secrets of this home; those it lacks are made and kept."""
        file = self.path / "secrets.json"
        kept: dict[str, str] = read_json(file)
        missing = {name: make() for name, make in _SECRETS.items() if name not in kept}
        if missing:
            kept = {**kept, **missing}
            write_private(file, json.dumps(kept, indent=1))
        return Secrets(kept)


@dataclass(frozen=True)
class Secrets:
    """Random values made on the first start, by name; `auth.database` is a service's own."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """Return one secret."""
        return self.values[name]

    def __repr__(self) -> str:
        """Show names only."""
        return f"Secrets({sorted(self.values)})"


def make_password() -> str:
    """Return a password that needs no quoting in a URL."""
    return secrets.token_hex(24)


def make_key() -> str:
    """Return a Fernet key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def make_webhook_secret() -> str:
    """Return a secret as payment providers write them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def make_demo_password() -> str:
    """Return a password that people can copy."""
    return f"demo-{secrets.token_hex(6)}"


_SECRETS = {
    "supervisor": make_password,
    "postgres": make_password,
    "valkey": make_password,
    "demo_password": make_demo_password,
    "order.webhook": make_webhook_secret,
    **{
        f"{service}.{name}": make
        for service in SERVICES
        for name, make in {
            "database": make_password,
            "broker": make_password,
            "cache": make_password,
            "client": make_password,
            "secret_key": make_password,
            "encryption_key": make_key,
        }.items()
    },
}


def locate() -> Home:
    """Return the home that SOUK_HOME names, by default `.souk` beside manage.py."""
    chosen = os.environ.get("SOUK_HOME")
    return Home((Path(chosen).expanduser() if chosen else ROOT / ".souk").resolve())


def service_environment(service: str) -> dict[str, str]:
    """Return the variables of a service of the local platform; empty where there is none."""
    try:
        text = (locate().environment / f"{service}.env").read_text(encoding="utf-8")
    except OSError:
        return {}
    return parse_variables(text)


def parse_variables(text: str) -> dict[str, str]:
    """Return the variables of a file of NAME=value lines; a value is all that follows, as it is."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): value for name, _, value in (line.partition("=") for line in lines)}


def format_variables(variables: Mapping[str, str]) -> str:
    """Return the text that parse_variables reads."""
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def write_private(file: Path, text: str) -> None:
    """Replace a file at once; only its owner may read it, from its first moment."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a file; empty when there is no such file.

    Raises: PlatformError when the file is damaged.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise PlatformError(
            f"{file} belongs to another user; set SOUK_HOME to a folder of yours."
        ) from error
    except ValueError as error:
        raise PlatformError(f"{file} is damaged and holds no JSON: {error}.") from error
    return dict(value)
