"""The catalog service as a Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Names the app."""

    name = "apps.catalog_service"
    label = "catalog"
