"""The variables with which each process is started: nothing is inherited by accident."""

import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from local.home import Home, Secrets, format_variables, write_private
from local.ports import HOST

# Processes of one home carry this variable, so that they are found when supervisord is gone.
MARKER = "SOUK_INSTANCE"

_PASSED_ON = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")

# What `up` takes from its caller for the services, so that these can be tried on this machine;
# README.md names them. But for OTEL_*, which mean the same everywhere, none has a name that a shell
# might hold by chance. MAIL_URL and OTEL_EXPORTER_OTLP_HEADERS may hold a password: they go into files
# that only their owner may read, and are never printed.
CHOSEN = (
    "CONFIRM_EMAIL_URL",
    "KEY_REFRESH_SECONDS",
    "LOGINS_PER_MINUTE",
    "LOW_STOCK",
    "MAIL_FROM",
    "MAIL_URL",
    "OPEN_ORDERS_LIMIT",
    # Where traces go: the gateway sends its own there too (local/gateway.py).
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "PASSWORD_RESET_URL",
    "PAYMENT_PROVIDER",
    "REGISTRATIONS_PER_MINUTE",
    "RESERVATION_SECONDS",
    "SEARCH_LANGUAGE",
    "SHIPPING_PRICE",
    "SHOWN_AVAILABLE",
    "SWEEP_SECONDS",
    "TAX_RATE",
    "TAX_RATES",
    "VERIFY_EMAIL",
)


def base_environment(home: Home) -> dict[str, str]:
    """Return what every process of the platform gets, whoever started it."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    folder = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        # One arena per thread costs tens of MiB in processes that keep eight threads.
        "MALLOC_ARENA_MAX": "2",
        MARKER: str(home.path),
    }


def database_name(service: str) -> str:
    """Return the name of a service's database and role; `order` alone is a word of SQL."""
    return f"souk_{service}"


def postgres_url(secrets: Secrets, port: int) -> str:
    """Return the superuser's URL."""
    return f"postgresql://postgres:{secrets['postgres']}@{HOST}:{port}/postgres"


def valkey_url(secrets: Secrets, port: int) -> str:
    """Return the administrator's URL of the broker or the cache."""
    return f"redis://souk:{secrets['valkey']}@{HOST}:{port}/0"


def public_url(gateway_port: int) -> str:
    """Return the address that clients use."""
    return f"http://{HOST}:{gateway_port}"


def service_variables(
    home: Home, secrets: Secrets, ports: Mapping[str, int], gateway_port: int, service: str
) -> dict[str, str]:
    """Return the configuration of one service; its own secrets only."""
    name = database_name(service)
    private = f"http://{HOST}:{ports['private']}"
    variables = {
        "SECRET_KEY": secrets[f"{service}.secret_key"],
        "ENCRYPTION_KEYS": secrets[f"{service}.encryption_key"],
        "DATABASE_URL": f"postgresql://{name}:{secrets[f'{service}.database']}@{HOST}:{ports['postgres']}/{name}",
        "BROKER_URL": f"redis://{service}:{secrets[f'{service}.broker']}@{HOST}:{ports['redis']}/0",
        "CACHE_URL": f"redis://{service}:{secrets[f'{service}.cache']}@{HOST}:{ports['cache']}/0",
        "PUBLIC_URL": public_url(gateway_port),
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "AUTH_URL": f"{private}/auth",
        "CATALOG_URL": f"{private}/catalog",
        "ORDER_URL": f"{private}/order",
        "SECURE": "false",
        "LOG_FORMAT": "console",
        # Nobody rolls a release here: a stop need not wait.
        "DRAIN_SECONDS": "0",
        **{name: os.environ[name] for name in CHOSEN if name in os.environ},
    }
    if service == "auth":
        for client in ("catalog", "order"):
            hashed = sha256(secrets[f"{client}.client"].encode()).hexdigest()
            variables[f"{client.upper()}_CLIENT_SECRET_HASHES"] = hashed
    else:
        variables["CLIENT_SECRET"] = secrets[f"{service}.client"]
    if service == "order":
        variables["WEBHOOK_SECRETS"] = secrets["order.webhook"]
    if service == "catalog":
        variables["MEDIA_ROOT"] = str(home.data / "media")
        variables["FILES_ROOT"] = str(home.data / "files")
    return variables


def write_service_variables(home: Home, service: str, variables: Mapping[str, str]) -> None:
    """Keep the variables of a service where `manage.py <service>` finds them; mode 0600."""
    heading = f"# Variables of {service} on this machine, written at each start. Secret.\n"
    write_private(home.environment / f"{service}.env", heading + format_variables(variables))
