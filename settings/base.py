"""What the three services' settings have in common."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from chassis.logs import logging_settings
from settings import admin, events, openapi
from settings.variables import SERVICES


def common(service: str, env: Mapping[str, Any], *, apps: Sequence[str] = ()) -> dict[str, Any]:
    """Return the Django settings that every service shares.

    Args:
        service: auth, catalog or order.
        env: the checked variables of that service, from `settings.env.read`.
        apps: what this service alone needs installed.
    """
    secure = env["SECURE"]
    return {
        "SERVICE": service,
        "SECRET_KEY": env["SECRET_KEY"],
        "SECRET_KEY_FALLBACKS": env["SECRET_KEY_FALLBACKS"],
        "DEBUG": env["DEBUG"],
        "ALLOWED_HOSTS": env["ALLOWED_HOSTS"],
        "ROOT_URLCONF": f"apps.{service}_service.urls",
        "INSTALLED_APPS": [
            # simplejwt imports the models of contrib.auth, so they are installed everywhere.
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "drf_spectacular",
            *apps,
            *admin.APPS,
            f"apps.{service}_service",
        ],
        "MIDDLEWARE": [
            "chassis.context.RequestContextMiddleware",
            "django.middleware.security.SecurityMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            # Three of these four act on the admin's paths alone. Sign-on is before the check of a
            # form's token, which reads the body: of who is not signed on nothing is taken in.
            "chassis.admin.middleware.AdminSessionMiddleware",
            "chassis.admin.signon.SignOnMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "chassis.admin.middleware.AdminMessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "APPEND_SLASH": False,
        "DATABASES": {"default": _database(service, env)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": env["CACHE_URL"],
                "KEY_PREFIX": service,
                "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
            }
        },
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "LOGGING_CONFIG": "chassis.logs.configure",
        "LOGGING": logging_settings(
            level=env["LOG_LEVEL"], form=env["LOG_FORMAT"], service=service
        ),
        # Requests reach a service through the gateway alone, which overwrites these headers.
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "SECURE_HSTS_SECONDS": 31_536_000 if secure else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": secure,
        "SECURE_HSTS_PRELOAD": secure,
        "CSRF_TRUSTED_ORIGINS": [env["PUBLIC_URL"].rstrip("/")],
        # W008: redirecting to HTTPS is for whoever ends TLS; behind it, services speak HTTP.
        "SILENCED_SYSTEM_CHECKS": ["security.W008"],
        "REST_FRAMEWORK": {
            "DEFAULT_RENDERER_CLASSES": ["chassis.json.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["chassis.json.JSONParser"],
            "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chassis.json.AlwaysJSON",
            "DEFAULT_AUTHENTICATION_CLASSES": ["chassis.tokens.authentication.TokenAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_SCHEMA_CLASS": "chassis.openapi.Schema",
            "EXCEPTION_HANDLER": "chassis.problems.exception_handler",
            "NUM_PROXIES": 1,
            "TEST_REQUEST_DEFAULT_FORMAT": "json",
            "TEST_REQUEST_RENDERER_CLASSES": ["chassis.json.JSONRenderer"],
        },
        "SPECTACULAR_SETTINGS": openapi.document(service),
        "API_LABELS": openapi.LABELS,
        **admin.admin(service, env),
        "PUBLIC_URL": env["PUBLIC_URL"].rstrip("/"),
        "KEY_SOURCE": "chassis.tokens.keys.fetch_jwks",
        "AUTH_URL": env.get("AUTH_URL", "").rstrip("/"),
        "CLIENT_SECRET": env.get("CLIENT_SECRET"),
        "KEY_REFRESH_SECONDS": env["KEY_REFRESH_SECONDS"],
        **_mail(env),
        "ENCRYPTION_KEYS": env["ENCRYPTION_KEYS"],
        "DB_POOL": {
            "min_size": 1,
            "max_size": env["DB_POOL_SIZE"],
            "timeout": 2,
            # Gives up soon and is asked anew: its own pauses grow as long as the outage lasted.
            "reconnect_timeout": 2,
            "max_idle": 60,
        },
        # The name of the `chassis.reads.Answers` that a service keeps of its public reads, if any.
        "KEPT_READS": "",
        "BIND": env["BIND"],
        "WEB_THREADS": env["WEB_THREADS"],
        "DRAIN_SECONDS": env["DRAIN_SECONDS"],
        "WORKER_THREADS": env["WORKER_THREADS"],
        "OUTBOX_RETENTION_DAYS": env["OUTBOX_RETENTION_DAYS"],
        "INBOX_RETENTION_DAYS": env["INBOX_RETENTION_DAYS"],
        "SWEEP_SECONDS": env["SWEEP_SECONDS"],
        "METRICS_BIND": env["METRICS_BIND"],
        "HEALTH_FILE": env["HEALTH_FILE"],
        "VERSION": env["SOUK_VERSION"],
        "TRACES": _traces(service, env),
        # How often a worker or relay looks whether it hangs (chassis.watchdog): a test's to change.
        "WATCHDOG_SECONDS": 2.0,
        # Whether a process may be armed to end itself (chassis.failpoints): a test's to allow.
        "FAILPOINTS": False,
        "BROKER_URL": env["BROKER_URL"],
        "SERVICES": SERVICES,
        "EVENT_PUBLISHERS": events.publishers(service),
        # Each app names its table of error class -> HTTP status here.
        "ERROR_STATUSES": f"apps.{service}_service.api.ERROR_STATUSES",
    }


def _traces(service: str, env: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where spans are sent and what they tell of the process (chassis.otlp); None where none are made."""
    endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    if not endpoint or env["OTEL_SDK_DISABLED"]:
        return None
    return {
        "endpoint": endpoint.rstrip("/"),
        "headers": _pairs(env["OTEL_EXPORTER_OTLP_HEADERS"]),
        "sampler": env["OTEL_TRACES_SAMPLER"],
        "ratio": env["OTEL_TRACES_SAMPLER_ARG"],
        "resource": {
            "service.name": env["OTEL_SERVICE_NAME"] or f"souk-{service}",
            "service.namespace": "souk",
            "service.version": env["SOUK_VERSION"],
            **_pairs(env["OTEL_RESOURCE_ATTRIBUTES"]),
        },
    }


def _pairs(text: str) -> dict[str, str]:
    """Return what is written as name=value,name=value, each value quoted as in a URL."""
    found = [one.partition("=") for one in text.split(",") if one.strip()]
    return {name.strip(): unquote(value.strip()) for name, _, value in found}


def _mail(env: Mapping[str, Any]) -> dict[str, Any]:
    """Return Django's settings of MAIL_URL; none for a service that sends no mail."""
    if "MAIL_URL" not in env:
        return {}
    parts = urlsplit(env["MAIL_URL"])
    if parts.scheme == "console":
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend",
            "DEFAULT_FROM_EMAIL": env["MAIL_FROM"],
        }
    standard_ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or standard_ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 5,
        "DEFAULT_FROM_EMAIL": env["MAIL_FROM"],
    }


def _database(service: str, env: Mapping[str, Any]) -> dict[str, Any]:
    parts = conninfo_to_dict(env["DATABASE_URL"])
    own_options = parts.pop("options", "")
    return {
        "ENGINE": "chassis.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        # Processes that serve share a pool of connections (chassis.database.use_pool), which keeps
        # them; a command has one until it ends.
        "CONN_MAX_AGE": 0,
        # chassis.postgresql looks at a pool's connections itself.
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            **parts,
            "application_name": f"souk-{service}",
            "connect_timeout": 3,
            # A server that vanished without a word is given up on after 15 s.
            "keepalives_idle": 5,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 15_000,
            # For chassis.database.fetch alone: the ORM's cursors never prepare.
            "prepare_threshold": 1,
            # Bounds every statement, and so every request and event handler.
            "options": f"-c statement_timeout=30s -c lock_timeout=2s"
            f" -c idle_in_transaction_session_timeout=60s {own_options}".rstrip(),
        },
    }
