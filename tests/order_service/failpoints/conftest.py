"""Catalog over HTTP, and customers at any stage."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.order_service import clients, services
from apps.order_service.clients.catalog import HttpCatalog
from chassis import rest
from chassis.tokens.service import service_token
from tests.order_service.catalog_server import CatalogServer, serving
from tests.order_service.failpoints.customers import STAFF, Customer

LAMPS = 1000


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[CatalogServer]:
    """Return a server that plays catalog; the service calls it over HTTP."""
    with serving() as server:
        settings.AUTH_URL = f"{server.url}/auth"
        settings.CATALOG_URL = f"{server.url}/catalog"
        server.catalog.stock("LAMP", price="19.90", name="Lamp", available=LAMPS)
        server.catalog.stock("CHAIR", price="100.00", name="Chair", available=5)
        monkeypatch.setattr(clients, "catalog", lambda: HttpCatalog(settings.CATALOG_URL))
        rest._http.cache_clear()
        service_token.forget()
        service_token.get()
        yield server
        rest._http().close()
        rest._http.cache_clear()


@pytest.fixture
def customer_with() -> Callable[[str], Customer]:
    """Return a function that makes a customer whose order is placed, paid or shipped."""

    def make(status: str) -> Customer:
        customer = Customer()
        customer.place()
        if status != "placed":
            customer.pay()
        if status == "shipped":
            services.ship_order(order_id=customer.order().id, who=STAFF)
        assert customer.order().status == status
        return customer

    return make
