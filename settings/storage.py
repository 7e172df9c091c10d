"""Where the catalog keeps pictures, which everyone sees, and files, which staff alone do (ADR 0024)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

_IMMUTABLE: Final = {"CacheControl": "public, max-age=31536000, immutable"}
_SIGNED_SECONDS: Final = 300


def storages(env: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return Django's STORAGES of pictures ("default") and of private files ("private")."""
    return _in_bucket(env) if env["S3_BUCKET"] else _in_folders(env)


def _in_folders(env: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    backend = "django.core.files.storage.FileSystemStorage"
    return {
        # In MEDIA_ROOT, under MEDIA_URL.
        "default": {"BACKEND": backend},
        "private": {
            "BACKEND": backend,
            "OPTIONS": {"location": env["FILES_ROOT"], "file_permissions_mode": 0o640},
        },
    }


def _in_bucket(env: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    backend = "storages.backends.s3.S3Storage"
    common = _bucket(env)
    return {
        "default": {
            "BACKEND": backend,
            "OPTIONS": {
                **common,
                **_public_url(env["S3_PUBLIC_URL"]),
                "location": "media",
                "querystring_auth": False,
                # No file is written twice.
                "object_parameters": _IMMUTABLE,
            },
        },
        "private": {
            "BACKEND": backend,
            "OPTIONS": {
                **common,
                "location": "private",
                "querystring_auth": True,
                "querystring_expire": _SIGNED_SECONDS,
            },
        },
    }


def _bucket(env: Mapping[str, Any]) -> dict[str, Any]:
    # Loaded only where there is a bucket.
    from botocore.config import Config

    endpoint = env["S3_ENDPOINT_URL"] or None
    return {
        "bucket_name": env["S3_BUCKET"],
        "endpoint_url": endpoint,
        "region_name": env["S3_REGION"] or None,
        "access_key": env["S3_ACCESS_KEY_ID"] or None,
        "secret_key": env["S3_SECRET_ACCESS_KEY"] or None,
        "file_overwrite": False,
        "client_config": Config(
            signature_version="s3v4",
            # Servers other than Amazon's seldom have a host name for each bucket.
            s3={"addressing_style": "path" if endpoint else "auto"},
            connect_timeout=2,
            read_timeout=10,
            retries={"max_attempts": 2, "mode": "standard"},
        ),
    }


def _public_url(url: str | None) -> dict[str, Any]:
    if not url:
        return {}
    parts = urlsplit(url)
    return {
        "url_protocol": f"{parts.scheme}:",
        "custom_domain": f"{parts.netloc}{parts.path}".rstrip("/"),
    }
