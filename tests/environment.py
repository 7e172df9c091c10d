"""The variables that tests and checks give to a service: throw-away values, nothing secret.

`python -m tests.environment order python manage.py check` runs a command with them.
"""

import os
import sys
from hashlib import sha256
from typing import Final

from settings import env

SERVICES: Final = env.SERVICES

# Where nothing listens: what checks get, and what tests of a missing engine may use.
NO_POSTGRES: Final = "postgresql://souk:souk@127.0.0.1:1"
NO_REDIS: Final = "redis://127.0.0.1:1"

_PRIVATE_URL: Final = "http://127.0.0.1:1"


def environment(
    service: str,
    *,
    postgres_url: str = NO_POSTGRES,
    redis_url: str = NO_REDIS,
    worker: int = 0,
) -> dict[str, str]:
    """Return every variable that a service needs.

    Args:
        service: auth, catalog or order.
        postgres_url: server and role, without a database.
        redis_url: server, without a database number.
        worker: number of the pytest-xdist worker; each has two Redis databases of its own.
    """
    values = {
        "SERVICE": service,
        "DJANGO_SETTINGS_MODULE": f"settings.{service}",
        "SECRET_KEY": f"{service}-test-key-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
        "DATABASE_URL": f"{postgres_url}/souk_{service}",
        "BROKER_URL": f"{redis_url}/{2 * worker}",
        "CACHE_URL": f"{redis_url}/{2 * worker + 1}",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "ENCRYPTION_KEYS": "c291ay10ZXN0LWtleS0wMTIzNDU2Nzg5LWFiY2RlZiE=",
        "LOG_FORMAT": "console",
        "DRAIN_SECONDS": "0",
    }
    if service == "auth":
        values["CATALOG_CLIENT_SECRET_HASHES"] = _hash(client_secret("catalog"))
        values["ORDER_CLIENT_SECRET_HASHES"] = _hash(client_secret("order"))
    else:
        values["AUTH_URL"] = f"{_PRIVATE_URL}/auth"
        values["CLIENT_SECRET"] = client_secret(service)
    if service == "order":
        values["CATALOG_URL"] = f"{_PRIVATE_URL}/catalog"
    if service == "catalog":
        values["ORDER_URL"] = f"{_PRIVATE_URL}/order"
    return values


def client_secret(service: str) -> str:
    """Return what a service shows to auth."""
    return f"{service}-client-secret-of-the-tests"


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def apply(values: dict[str, str]) -> None:
    """Put the values into this process's environment, and nothing else that a service would read."""
    for variable in env.VARIABLES:
        os.environ.pop(variable.name, None)
        os.environ.pop(f"{variable.name}_FILE", None)
    os.environ.update(values)


def main(arguments: list[str]) -> None:
    """Replace this process by a command that sees a service's variables."""
    if len(arguments) < 2 or arguments[0] not in SERVICES:
        sys.exit(f"usage: python -m tests.environment {'|'.join(SERVICES)} COMMAND ...")
    service, program, *rest = arguments
    apply(environment(service))
    program = sys.executable if program == "python" else program
    os.execvp(program, [program, *rest])  # noqa: S606 -- the caller's own command


if __name__ == "__main__":
    main(sys.argv[1:])
