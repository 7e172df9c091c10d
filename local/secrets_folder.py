"""Make the secrets of the containers: a file each in `secrets/`, which compose/ mounts one by one.

`make secrets`, or `python3 -m local.secrets_folder [FOLDER]`. It runs before anything is installed:
standard library only. What is there is never changed, but for what is made of other files alone.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local import valkey
from local.configuration import database_name
from local.errors import PlatformError
from local.home import (
    ROOT,
    SERVICES,
    Secrets,
    make_demo_password,
    make_key,
    make_password,
    make_webhook_secret,
    write_private,
)

FOLDER = ROOT / "secrets"

# Only the owner passes the folder; in a container each file is mounted by itself, for a user
# whom the owner's machine does not know.
_FOLDER_MODE, _FILE_MODE = 0o700, 0o444

_USAGE = (
    """usage: python3 -m local.secrets_folder [FOLDER]   make what FOLDER, or secrets/, lacks"""
)

_ENGINES = {"broker": "redis", "cache": "cache"}


def fill(folder: Path) -> list[str]:
    """Add what the folder lacks; return the names of the files that were made.

    Raises: PlatformError when it cannot be written, or a file in it cannot be used.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)
        _make_open(folder / "tls")
        made = [name for name, make in _MADE.items() if _make(folder / name, make)]
        for name, text in _derived(folder):
            _write(folder / name, text)
        for name in _MADE:
            (folder / name).chmod(_FILE_MODE)
    except OSError as error:
        raise PlatformError(
            f"The secrets cannot be written: {error.filename or folder}: {error.strerror}."
        ) from error
    return made


def _make_open(folder: Path) -> None:
    """Make the folder in which the gateway, whose user is nobody here, keeps certificates (docs/gateway.md)."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)


def _make(file: Path, make: Callable[[Path], str]) -> bool:
    """Make the file unless it is there; return whether it was made.

    Raises: PlatformError when what is there is no secret.
    """
    if not file.exists():
        _write(file, make(file.parent))
        return True
    if not file.is_file():
        raise PlatformError(f"{file} is no file; remove it and run this again.")
    if not file.read_bytes().strip() and make(file.parent):
        raise PlatformError(f"{file} is empty; remove it or write it, and run this again.")
    return False


def _write(file: Path, text: str) -> None:
    """Replace a file at once, unless it holds the text already: containers keep what they opened."""
    with suppress(FileNotFoundError):
        if file.read_bytes() == text.encode():
            file.chmod(_FILE_MODE)  # it was not, if the last call was cut off before it
            return
    write_private(file, text)
    file.chmod(_FILE_MODE)


def _url(service: str, scheme: str, host: str) -> str:
    if scheme == "postgresql":
        name = database_name(service)
        return f"postgresql://{name}:{make_password()}@{host}/{name}"
    return f"{scheme}://{service}:{make_password()}@{host}/0"


def _hash_of(folder: Path, name: str) -> str:
    return sha256((folder / name).read_text(encoding="utf-8").strip().encode()).hexdigest()


def _service_files(service: str) -> Iterator[tuple[str, Callable[[Path], str]]]:
    """Yield what every service has, by the variable that reads it."""
    yield f"{service}.secret_key", lambda _: make_password()
    yield f"{service}.secret_key_fallbacks", lambda _: ""
    yield f"{service}.encryption_keys", lambda _: make_key()
    yield (
        f"{service}.database_url",
        lambda _: _url(service, "postgresql", f"{service}-database:5432"),
    )
    yield f"{service}.broker_url", lambda _: _url(service, "redis", "broker:6379")
    yield f"{service}.cache_url", lambda _: _url(service, "redis", "cache:6379")
    yield f"{service}.postgres_password", lambda _: make_password()


# In this order: the hashes are made of what is made before them.
_MADE: Mapping[str, Callable[[Path], str]] = {
    **{name: make for service in SERVICES for name, make in _service_files(service)},
    "catalog.client_secret": lambda _: make_password(),
    "order.client_secret": lambda _: make_password(),
    # Not derived anew: while a client's secret is rotated there are two.
    "auth.catalog_client_secret_hashes": lambda folder: _hash_of(folder, "catalog.client_secret"),
    "auth.order_client_secret_hashes": lambda folder: _hash_of(folder, "order.client_secret"),
    "auth.demo_password": lambda _: make_demo_password(),
    "catalog.s3_secret_access_key": lambda _: "",
    "order.webhook_secrets": lambda _: make_webhook_secret(),
    "mail_url": lambda _: "console:",
    "valkey.admin_password": lambda _: make_password(),
    "grafana_password": lambda _: make_password(),
}


def _derived(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what is made of other files alone, and follows them and the rules of this release."""
    admin = (folder / "valkey.admin_password").read_text(encoding="utf-8").strip()
    for engine, role in _ENGINES.items():
        passwords = {
            f"{service}.{engine}": _password_in(folder / f"{service}.{engine}_url")
            for service in SERVICES
        }
        yield f"{engine}.acl", valkey.users(Secrets({"valkey": admin, **passwords}), role)


def _password_in(file: Path) -> str:
    """Return the password of a URL.

    Raises: PlatformError when there is none; the sentence does not hold the URL.
    """
    with suppress(ValueError):
        password = urlsplit(file.read_text(encoding="utf-8").strip()).password
        if password:
            return unquote(password)
    raise PlatformError(f"{file} holds no URL with a password; remove it and run this again.")


def main(arguments: list[str]) -> int:
    """Fill the folder named, or `secrets/`; say what was done, never a secret."""
    if len(arguments) > 1 or any(one.startswith("-") for one in arguments):
        print(_USAGE, file=sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 1
    folder = Path(arguments[0]).absolute() if arguments else FOLDER
    try:
        made = fill(folder)
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    shown = os.path.relpath(folder)
    present = len(_MADE) - len(made)
    print(f"{shown}: {len(made)} secrets made, {present} already there and left as they are.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
