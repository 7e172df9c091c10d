"""Every environment variable, declared once: docs/configuration.md is generated from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from settings.validators import (
    between,
    currency_code,
    database_url,
    fernet_keys,
    former_secrets,
    host_and_port,
    host_names,
    http_url,
    link_template,
    mail_address,
    mail_url,
    one_of,
    optional,
    pairs,
    price,
    redis_url,
    search_language,
    secret,
    secret_hashes,
    tax_rate,
    tax_rates,
    webhook_secrets,
)

AUTH: Final = "auth"
CATALOG: Final = "catalog"
ORDER: Final = "order"
SERVICES: Final = (AUTH, CATALOG, ORDER)


class _Required:
    """Marks a variable without a default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


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
    Variable(
        "SECRET_KEY_FALLBACKS",
        "Former SECRET_KEYs, while one is rotated: what they signed stays good.",
        kind="list",
        default=[],
        check=former_secrets,
    ),
    Variable("DATABASE_URL", "The service's own PostgreSQL database.", check=database_url),
    Variable("BROKER_URL", "The Redis that carries events; must not evict.", check=redis_url),
    Variable("CACHE_URL", "The Redis for cache and throttles; may evict.", check=redis_url),
    Variable(
        "PUBLIC_URL", "Where clients reach the gateway; tokens name it as issuer.", check=http_url
    ),
    Variable(
        "ALLOWED_HOSTS",
        "Host names of the shop: the admin takes no form by another. No answer depends on the name that was asked for.",
        kind="list",
        check=host_names,
    ),
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
        "KEY_REFRESH_SECONDS",
        "How often the keys that verify tokens are fetched. A new key signs after twice auth's value: "
        "no other service's may be larger.",
        kind="int",
        default=60,
        check=between(1, 3600),
    ),
    Variable(
        "CATALOG_URL",
        "The catalog service through the private entry point, for reservations.",
        check=http_url,
        services=(ORDER,),
    ),
    Variable(
        "ORDER_URL",
        "The order service through the private entry point, for its events.",
        check=http_url,
        services=(CATALOG,),
    ),
    Variable(
        "CLIENT_SECRET",
        "What the service shows to auth to get its service token.",
        check=secret,
        services=(CATALOG, ORDER),
    ),
    Variable(
        "CATALOG_CLIENT_SECRET_HASHES",
        "SHA-256 of the catalog service's CLIENT_SECRET in hexadecimal, two while it is rotated.",
        kind="list",
        check=secret_hashes,
        services=(AUTH,),
    ),
    Variable(
        "ORDER_CLIENT_SECRET_HASHES",
        "SHA-256 of the order service's CLIENT_SECRET in hexadecimal, two while it is rotated.",
        kind="list",
        check=secret_hashes,
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
        "SHIPPING_PRICE",
        "What an order's shipping costs, in SHOP_CURRENCY.",
        default="4.90",
        check=price,
        services=(ORDER,),
    ),
    Variable(
        "TAX_RATE",
        "Tax added to goods and shipping where TAX_RATES does not name the country: 0.19 is 19 %.",
        default="0",
        check=tax_rate,
        services=(ORDER,),
    ),
    Variable(
        "TAX_RATES",
        "The same by country of the shipping address, such as DE=0.19,NL=0.21.",
        kind="list",
        default=[],
        check=tax_rates,
        services=(ORDER,),
    ),
    Variable(
        "OPEN_ORDERS_LIMIT",
        "Unpaid orders that one user may hold open: each binds stock.",
        kind="int",
        default=20,
        check=between(1, 1_000_000),
        services=(ORDER,),
    ),
    Variable(
        "PAYMENT_PROVIDER",
        "Who takes the money of payments by card: `sandbox` takes none; `webhook` is a provider that "
        "tells the outcome at /api/v1/orders/payments/webhook.",
        default="sandbox",
        check=one_of("sandbox", "webhook"),
        services=(ORDER,),
    ),
    Variable(
        "WEBHOOK_SECRETS",
        "What the payment provider signs its messages with, two while it is rotated: "
        "`whsec_` and base64 of 24 to 64 bytes. Without it no message is taken.",
        kind="list",
        default=[],
        check=webhook_secrets,
        services=(ORDER,),
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
        "SHOWN_AVAILABLE",
        "The public sees how many pieces are available up to this number.",
        kind="int",
        default=10,
        check=between(1, 100),
        services=(CATALOG,),
    ),
    Variable(
        "LOW_STOCK",
        "Staff are told when fewer pieces than this, or just as many, are available.",
        kind="int",
        default=5,
        check=between(0, 1_000_000),
        services=(CATALOG,),
    ),
    Variable(
        "SEARCH_LANGUAGE",
        "Language of the products' texts, as PostgreSQL names it; after a change run "
        "`manage.py catalog reindex_search`.",
        default="english",
        check=search_language,
        services=(CATALOG,),
    ),
    Variable(
        "MEDIA_ROOT",
        "Folder of uploaded and generated pictures; every replica must see the same one.",
        default="media",
        services=(CATALOG,),
    ),
    Variable(
        "FILES_ROOT",
        "Folder of files that staff import and export; web processes and workers must see the same one.",
        default="files",
        services=(CATALOG,),
    ),
    Variable(
        "S3_BUCKET",
        "Bucket that holds pictures and files in the place of the two folders; none without it.",
        default=None,
        services=(CATALOG,),
    ),
    Variable(
        "S3_ENDPOINT_URL",
        "Where a bucket that is not Amazon's is reached.",
        default=None,
        check=optional(http_url),
        services=(CATALOG,),
    ),
    Variable("S3_REGION", "Region of the bucket.", default=None, services=(CATALOG,)),
    Variable(
        "S3_ACCESS_KEY_ID",
        "Key of the bucket's user; without it the machine's own role is used.",
        default=None,
        services=(CATALOG,),
    ),
    Variable(
        "S3_SECRET_ACCESS_KEY",
        "Secret of that key.",
        default=None,
        services=(CATALOG,),
    ),
    Variable(
        "S3_PUBLIC_URL",
        "Where browsers find the bucket's pictures; the bucket's own address without it.",
        default=None,
        check=optional(http_url),
        services=(CATALOG,),
    ),
    Variable(
        "STATIC_ROOT",
        "Folder that `collectstatic` filled; without it static files come from the packages.",
        default=None,
    ),
    Variable(
        "SOUK_ADMIN_PASSWORD",
        "Password that `create_admin` gives a new admin; it asks for one without it.",
        default=None,
        services=(AUTH,),
    ),
    Variable(
        "LOGINS_PER_MINUTE",
        "Log-ins that succeed from one address in a minute; failed ones are counted by themselves.",
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
        "VERIFY_EMAIL",
        "Whether an account must confirm its address before it can log in.",
        kind="bool",
        default=False,
        services=(AUTH,),
    ),
    Variable(
        "PASSWORD_RESET_URL",
        "Link in the mail of a password reset, {token} in it; a page of this service if empty.",
        default="",
        check=link_template,
        services=(AUTH,),
    ),
    Variable(
        "CONFIRM_EMAIL_URL",
        "Link in the mail that confirms an address, {token} in it; a page of this service if empty.",
        default="",
        check=link_template,
        services=(AUTH,),
    ),
    Variable(
        "MAIL_URL",
        "How mail is sent: `console:` prints it, `smtp+starttls://user:password@host:587` sends it; "
        "`smtps://` is TLS from the start (port 465), `smtp://` is none (port 25).",
        default="console:",
        check=mail_url,
        services=(AUTH, ORDER),
    ),
    Variable(
        "MAIL_FROM",
        "Sender of mail.",
        default="Souk <souk@souk.example>",
        check=mail_address,
        services=(AUTH, ORDER),
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
        "DRAIN_SECONDS",
        "How long at least a web process that is told to stop goes on serving while it says that it is not ready: the gateway's time to notice. It stays for up to ten seconds more while requests come.",
        kind="int",
        default=5,
        check=between(0, 60),
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
        "Most database connections of one process; catalog's web process has one more.",
        kind="int",
        default=10,
        check=between(2, 200),
    ),
    Variable(
        "OUTBOX_RETENTION_DAYS",
        "How long published events are kept: what a consumer lost can be had again for as long.",
        kind="int",
        default=30,
        check=between(1, 3650),
    ),
    Variable(
        "INBOX_RETENTION_DAYS",
        "How long handled events are kept; longer than any service keeps published ones, "
        "so that none acts twice.",
        kind="int",
        default=60,
        check=between(2, 3650),
    ),
    Variable(
        "METRICS_BIND",
        "Address at which a worker or relay tells its metrics, such as 127.0.0.1:9100; none without it.",
        default=None,
        check=optional(host_and_port),
    ),
    Variable(
        "SWEEP_SECONDS",
        "How often a worker looks at the publishers for events that the broker lost.",
        kind="int",
        default=15,
        check=between(1, 3600),
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
    Variable("SOUK_VERSION", "What release runs: told in metrics and traces.", default="dev"),
    Variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Collector that takes traces, such as http://tempo:4318; without it none are made.",
        default=None,
        check=optional(http_url),
    ),
    Variable(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Headers that the collector wants, such as authorization=Basic%20…; may be a secret.",
        default="",
        check=pairs,
    ),
    Variable(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "How it is spoken to: there is one way.",
        default="http/protobuf",
        check=one_of("http/protobuf"),
    ),
    Variable(
        "OTEL_SERVICE_NAME",
        "Name of the service in traces; souk- and its own without it.",
        default=None,
    ),
    Variable(
        "OTEL_RESOURCE_ATTRIBUTES",
        "What else is told of the process, such as deployment.environment.name=staging.",
        default="",
        check=pairs,
    ),
    Variable(
        "OTEL_TRACES_SAMPLER",
        "Which traces are kept: all, or a share, and whether who asked decides.",
        default="parentbased_always_on",
        check=one_of(
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ),
    ),
    Variable(
        "OTEL_TRACES_SAMPLER_ARG",
        "The share that a traceidratio sampler keeps: 0.1 is a tenth.",
        kind="float",
        default=1.0,
        check=between(0, 1),
    ),
    Variable(
        "OTEL_SDK_DISABLED", "Makes no traces, whatever else is set.", kind="bool", default=False
    ),
)


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong between variables that are right each by itself."""
    problems = _bucket_problems(values)
    if values.get("PAYMENT_PROVIDER") == "webhook" and not values["WEBHOOK_SECRETS"]:
        problems.append("WEBHOOK_SECRETS: must be given where PAYMENT_PROVIDER is webhook")
    kept, handled = values["OUTBOX_RETENTION_DAYS"], values["INBOX_RETENTION_DAYS"]
    if handled <= kept:
        problems.append(
            f"INBOX_RETENTION_DAYS: must be more than OUTBOX_RETENTION_DAYS, which is {kept}"
        )
    return problems


def _bucket_problems(values: Mapping[str, Any]) -> list[str]:
    """Return what is said of a bucket by halves."""
    given = {name for name in values if name.startswith("S3_") and values[name]}
    problems = []
    pair = {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}
    if len(given & pair) == 1:
        (missing,) = pair - given
        problems.append(f"{missing}: must be given with {(pair & given).pop()}")
    if given and "S3_BUCKET" not in given:
        problems.append(f"S3_BUCKET: must be given with {', '.join(sorted(given))}")
    return problems
