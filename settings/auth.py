"""Settings of the auth service."""

from settings import base, env

_ENV = env.read(env.AUTH)

# The page at /docs; the others show nothing of it, and their images lack it.
_COMMON = base.common(env.AUTH, _ENV, apps=["drf_spectacular_sidecar"])
globals().update(_COMMON)

AUTH_USER_MODEL = "accounts.User"
# E003 wants a unique column; ours is unique by an index on lower(email).
SILENCED_SYSTEM_CHECKS = [*_COMMON["SILENCED_SYSTEM_CHECKS"], "auth.E003"]
PASSWORD_HASHERS = ["apps.auth_service.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
KEY_SOURCE = "apps.auth_service.keys.own_keys"
CLIENT_SECRET_HASHES = {
    env.CATALOG: _ENV["CATALOG_CLIENT_SECRET_HASHES"],
    env.ORDER: _ENV["ORDER_CLIENT_SECRET_HASHES"],
}
DEMO_PASSWORD = _ENV["DEMO_PASSWORD"]
ADMIN_PASSWORD = _ENV["SOUK_ADMIN_PASSWORD"]
LOGINS_PER_MINUTE = _ENV["LOGINS_PER_MINUTE"]
REGISTRATIONS_PER_MINUTE = _ENV["REGISTRATIONS_PER_MINUTE"]
VERIFY_EMAIL = _ENV["VERIFY_EMAIL"]
PASSWORD_RESET_URL = _ENV["PASSWORD_RESET_URL"]
CONFIRM_EMAIL_URL = _ENV["CONFIRM_EMAIL_URL"]
# What a link in a mail is good for.
PASSWORD_RESET_TIMEOUT = 3600
