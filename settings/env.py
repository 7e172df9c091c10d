"""The only reader of the environment.

Each variable is declared once here; `read` checks all of them at once, and
docs/configuration.md is generated from the same declarations
(`python -m settings.document`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from environs import EnvError, EnvValidationError, FileAwareEnv, ValidationError
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

AUTH: Final = "auth"
CATALOG: Final = "catalog"
ORDER: Final = "order"
SERVICES: Final = (AUTH, CATALOG, ORDER)


class _Required:
    """Marks a variable without a default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


def _split(value: str) -> SplitResult | None:
    """Return the parts of a URL; None where it is none, for the error may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def http_url(value: str) -> None:
    """Refuse what is not an absolute http(s) URL without a query."""
    parts = _split(value)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValidationError("must be an http or https URL, such as http://127.0.0.1:8000")


def database_url(value: str) -> None:
    """Refuse what does not name a PostgreSQL database."""
    try:
        parts = (
            conninfo_to_dict(value) if value.startswith(("postgres://", "postgresql://")) else {}
        )
    except ProgrammingError:  # its message may hold the password
        parts = {}
    if not parts.get("dbname") or not str(parts.get("port", 5432)).isdigit():
        raise ValidationError("must look like postgresql://role:password@host:5432/database")


def redis_url(value: str) -> None:
    """Refuse what does not name a Redis server."""
    parts = _split(value)
    if parts is None or parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValidationError("must look like redis://user:password@host:6379/0")


def fernet_keys(values: list[str]) -> None:
    """Refuse a list that holds anything but Fernet keys."""
    if not values:
        raise ValidationError("must hold at least one key")
    for value in values:
        try:
            Fernet(value)
        except ValueError as error:
            raise ValidationError("must hold 32-byte url-safe base64 keys") from error


def secret(value: str) -> None:
    """Refuse a secret that is too short to be one."""
    if len(value) < 20:  # noqa: PLR2004 -- the message says it
        raise ValidationError("must be at least 20 characters long")


def host_names(values: list[str]) -> None:
    """Refuse a list without a single host."""
    if not any(values):
        raise ValidationError("must hold at least one host name")


def client_secrets(values: list[str]) -> None:
    """Accept one secret, or two while one replaces the other."""
    if not 1 <= len(values) <= 2:  # noqa: PLR2004 -- the message says it
        raise ValidationError("must hold one secret, or two while they are rotated")
    for value in values:
        secret(value)


def host_and_port(value: str) -> None:
    """Refuse a listening address without a port."""
    _, separator, port = value.rpartition(":")
    if not separator or not port.isdigit():
        raise ValidationError("must look like 0.0.0.0:8000")


def one_of(*choices: str) -> Callable[[str], None]:
    """Return a validator that accepts the given choices only."""

    def validate(value: str) -> None:
        if value not in choices:
            raise ValidationError(f"must be one of {', '.join(choices)}")

    return validate


def between(low: int, high: int) -> Callable[[int], None]:
    """Return a validator that accepts numbers from low to high."""

    def validate(value: int) -> None:
        if not low <= value <= high:
            raise ValidationError(f"must be between {low} and {high}")

    return validate


def currency_code(value: str) -> None:
    """Refuse what is not written like an ISO 4217 code."""
    if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):  # noqa: PLR2004
        raise ValidationError("must be an ISO 4217 code such as EUR")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: how it is read, checked and explained.

    `kind` is the name of the environs parser (str, int, bool, list).
    """

    name: str
    help: str
    kind: str = "str"
    default: Any = REQUIRED
    check: Callable[[Any], None] | None = None
    services: tuple[str, ...] = field(default=SERVICES)


VARIABLES: Final = (
    Variable("SECRET_KEY", "Django's signing key; of its own for each service.", check=secret),
    Variable("DATABASE_URL", "The service's own PostgreSQL database.", check=database_url),
    Variable("BROKER_URL", "The Redis that carries events; must not evict.", check=redis_url),
    Variable("CACHE_URL", "The Redis for cache and throttles; may evict.", check=redis_url),
    Variable(
        "PUBLIC_URL", "Where clients reach the gateway; tokens name it as issuer.", check=http_url
    ),
    Variable("ALLOWED_HOSTS", "Host names that requests may carry.", kind="list", check=host_names),
    Variable(
        "ENCRYPTION_KEYS",
        "Fernet keys for secrets kept in the database: the first encrypts, all decrypt.",
        kind="list",
        check=fernet_keys,
    ),
    Variable(
        "AUTH_URL",
        "The auth service through the private entry point, for keys and service tokens.",
        check=http_url,
        services=(CATALOG, ORDER),
    ),
    Variable(
        "CATALOG_URL",
        "The catalog service through the private entry point, for reservations.",
        check=http_url,
        services=(ORDER,),
    ),
    Variable(
        "CLIENT_SECRET",
        "What the service shows to auth to get its service token.",
        check=secret,
        services=(CATALOG, ORDER),
    ),
    Variable(
        "CATALOG_CLIENT_SECRETS",
        "The catalog service's client secret, two while they are rotated.",
        kind="list",
        check=client_secrets,
        services=(AUTH,),
    ),
    Variable(
        "ORDER_CLIENT_SECRETS",
        "The order service's client secret, two while they are rotated.",
        kind="list",
        check=client_secrets,
        services=(AUTH,),
    ),
    Variable(
        "SHOP_CURRENCY",
        "The shop's one currency.",
        default="EUR",
        check=currency_code,
        services=(CATALOG, ORDER),
    ),
    Variable(
        "RESERVATION_SECONDS",
        "How long a reservation promises its stock: the time to pay.",
        kind="int",
        default=900,
        check=between(1, 86_400),
        services=(CATALOG,),
    ),
    Variable(
        "MEDIA_ROOT",
        "Folder of uploaded and generated pictures.",
        default="media",
        services=(CATALOG,),
    ),
    Variable(
        "SOUK_ADMIN_PASSWORD",
        "Password that `create_admin` gives a new admin; it asks for one without it.",
        default=None,
        services=(AUTH,),
    ),
    Variable(
        "LOGINS_PER_MINUTE",
        "Log-ins that one address may try in a minute.",
        kind="int",
        default=60,
        check=between(1, 1_000_000),
        services=(AUTH,),
    ),
    Variable(
        "REGISTRATIONS_PER_MINUTE",
        "Registrations that one address may try in a minute.",
        kind="int",
        default=60,
        check=between(1, 1_000_000),
        services=(AUTH,),
    ),
    Variable(
        "DEMO_PASSWORD",
        "Password that `seed_demo` gives the demo users; they are not made without it.",
        default=None,
        services=(AUTH,),
    ),
    Variable(
        "SECURE",
        "Cookies for HTTPS only, and HSTS. Off for plain HTTP on one machine.",
        kind="bool",
        default=True,
    ),
    Variable("DEBUG", "Django's debug pages. Never in production.", kind="bool", default=False),
    Variable(
        "BIND",
        "Address that the web process listens on.",
        default="0.0.0.0:8000",
        check=host_and_port,
    ),
    Variable(
        "WEB_THREADS", "Threads of a web process.", kind="int", default=8, check=between(1, 64)
    ),
    Variable(
        "WORKER_THREADS",
        "Events that a worker handles at once.",
        kind="int",
        default=4,
        check=between(1, 64),
    ),
    Variable(
        "DB_POOL_SIZE",
        "Most database connections of one process.",
        kind="int",
        default=10,
        check=between(2, 200),
    ),
    Variable("HEALTH_FILE", "File that a worker or relay touches while it is well.", default=None),
    Variable(
        "LOG_LEVEL",
        "Least severe level that is logged.",
        default="INFO",
        check=one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
    Variable(
        "LOG_FORMAT",
        "One JSON object a line, or text for people.",
        default="json",
        check=one_of("json", "console"),
    ),
)


def variables_of(service: str) -> list[Variable]:
    """Return the variables that a service reads, in declared order."""
    return [variable for variable in VARIABLES if service in variable.services]


def read(service: str) -> Mapping[str, Any]:
    """Read and check every variable of a service.

    Raises:
        SystemExit: with one message that lists each missing or bad variable; the exit code is 1.
    """
    env = FileAwareEnv(strip_whitespace=True)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in variables_of(service):
        try:
            values[variable.name] = _read_one(env, variable)
        except (EnvError, ValueError, OSError) as error:
            problems.append(f"  {variable.name}: {_reason(error, variable)}")
    if problems:
        raise SystemExit(
            f"The {service} service cannot start; missing or bad environment variables: {len(problems)}.\n"
            + "\n".join(problems)
        )
    return values


def _read_one(env: FileAwareEnv, variable: Variable) -> Any:
    options: dict[str, Any] = {}
    if variable.default is not REQUIRED:
        options["default"] = variable.default
    if variable.check is not None:
        options["validate"] = variable.check
    return getattr(env, variable.kind)(variable.name, **options)


def _reason(error: Exception, variable: Variable) -> str:
    """Return what is wrong, never the value: it may be a secret."""
    if isinstance(error, EnvValidationError):
        return "; ".join(str(message) for message in error.error_messages)
    if isinstance(error, EnvError):
        return f"missing ({variable.help})"
    return f"{variable.name}_FILE must name a readable text file"
