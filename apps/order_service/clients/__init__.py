"""Calls to other services."""

from apps.order_service import conf
from apps.order_service.clients.catalog import Catalog, HttpCatalog


def catalog() -> Catalog:
    """Return the catalog service."""
    return HttpCatalog(conf.catalog_url())
