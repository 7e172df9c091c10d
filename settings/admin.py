"""Settings of a service's admin: its pages, cookies and static files, each of a path of its own."""

from collections.abc import Mapping
from typing import Any, Final

ADMIN_PATHS: Final = {
    "auth": "/admin/auth/",
    "catalog": "/admin/catalog/",
    "order": "/admin/orders/",
}
"""Where each service's admin is; staff who are logged in at auth enter all of them."""

APPS: Final = (
    # Its templates stand before the theme's, and the theme's before Django's own.
    "chassis",
    "chassis.admin.apps.ThemeConfig",
    "unfold.contrib.filters",
    # Without autodiscovery: only a web process, which loads the routes, loads the pages.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
)

_CONTEXT_PROCESSORS: Final = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def admin(service: str, env: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the admin of one service."""
    path = ADMIN_PATHS[service]
    return {
        "ADMIN_PATHS": ADMIN_PATHS,
        "ADMIN_PATH": path,
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": _CONTEXT_PROCESSORS},
            }
        ],
        "CSRF_FAILURE_VIEW": "chassis.problems.csrf_failure",
        "CSRF_COOKIE_NAME": f"souk_{service}_csrf",
        "CSRF_COOKIE_PATH": path,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": env["SECURE"],
        # The session carries a message from one page to the next, and nothing else.
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "SESSION_COOKIE_NAME": f"souk_{service}_session",
        "SESSION_COOKIE_PATH": path,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": env["SECURE"],
        "SESSION_COOKIE_AGE": 3600,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        # Django's other storage would send its cookie to every path.
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        **_static_files(service, env),
        "FORMAT_MODULE_PATH": "chassis.formats",
        "UNFOLD": _theme(service),
    }


def _static_files(service: str, env: Mapping[str, Any]) -> dict[str, Any]:
    """Return how static files are found: collected in a folder, or else in the packages (ADR 0019)."""
    collected = env["STATIC_ROOT"] is not None
    backend = (
        "whitenoise.storage.CompressedStaticFilesStorage"
        if collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    )
    return {
        "STATIC_URL": f"/static/{service}/",
        "STATIC_ROOT": env["STATIC_ROOT"],
        "STORAGES": {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": backend},
        },
        "WHITENOISE_USE_FINDERS": not collected,
        "WHITENOISE_AUTOREFRESH": False,
        # Names do not change with a release: two releases side by side serve each other's pages.
        "WHITENOISE_MAX_AGE": 300,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
    }


def _theme(service: str) -> dict[str, Any]:
    symbols = {"auth": "key", "catalog": "storefront", "order": "receipt_long"}
    return {
        "SITE_TITLE": f"Souk {service}",
        "SITE_HEADER": f"Souk {service}",
        "SITE_SYMBOL": symbols[service],
        "SITE_DROPDOWN": [
            {"title": f"Souk {other}", "link": ADMIN_PATHS[other], "icon": symbols[other]}
            for other in ADMIN_PATHS
        ],
        "SITE_URL": None,
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": f"/static/{service}/souk/icon.svg"}
        ],
        "SHOW_HISTORY": True,
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_BACK_BUTTON": True,
        "BORDER_RADIUS": "6px",
        "STYLES": [f"/static/{service}/souk/admin.css"],
        "COLORS": {"primary": _PRIMARY},
    }


_PRIMARY: Final = {
    "50": "oklch(98.2% .018 155.8)",
    "100": "oklch(95% .052 163.1)",
    "200": "oklch(90.5% .093 164.2)",
    "300": "oklch(84.5% .143 164.9)",
    "400": "oklch(76.5% .177 163.2)",
    "500": "oklch(65% .15 163)",
    "600": "oklch(55% .12 163.5)",
    "700": "oklch(46.8% .1 165.6)",
    "800": "oklch(39.2% .085 166.9)",
    "900": "oklch(34.8% .072 168.9)",
    "950": "oklch(24.2% .049 172.6)",
}
