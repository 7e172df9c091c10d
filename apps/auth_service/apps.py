"""The auth service as a Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Names the app."""

    name = "apps.auth_service"
    label = "accounts"
