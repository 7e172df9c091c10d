"""Catalog reserves, and its answer is lost or late."""

import sys
import threading
from uuid import UUID

import pytest
from django.utils import timezone

from apps.order_service import clients, services
from apps.order_service.clients.catalog import HttpCatalog
from apps.order_service.models import Order
from chassis import circuit, rest
from chassis.tokens.service import service_token
from tests.order_service.catalog_server import serving
from tests.order_service.factories import cancel, place

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 20


@pytest.fixture(autouse=True)
def server(settings, monkeypatch):
    """Return a server that plays catalog and auth, with ten lamps."""
    with serving() as server:
        settings.AUTH_URL = f"{server.url}/auth"
        settings.CATALOG_URL = f"{server.url}/catalog"
        server.catalog.stock("LAMP", price="19.90", name="Lamp", available=10)
        monkeypatch.setattr(clients, "catalog", lambda: HttpCatalog(settings.CATALOG_URL))
        service_token.forget()
        rest._http.cache_clear()
        yield server
        rest._http().close()
        rest._http.cache_clear()


@pytest.fixture
def _short_deadline(monkeypatch):
    monkeypatch.setattr(sys.modules[HttpCatalog.__module__], "DEADLINE_SECONDS", 0.3)


def lost():
    return False


def recover():
    """Ask catalog again, with the circuit closed: the service has said meanwhile that it is well."""
    circuit.forget()
    return services.recover_orders(now=timezone.now())


def assert_reserved_once(server, order_id):
    assert list(server.catalog.reservations) == [UUID(order_id)]
    assert server.catalog.available("LAMP") == 8


class TestLostAnswer:
    def test_is_asked_for_again_and_is_the_same_reservation(self, as_customer, server):
        server.send_next_if(lost, lost)
        answer = place(as_customer, ("LAMP", 2))
        assert answer.status_code == 201
        assert len(server.requests) == 3
        assert_reserved_once(server, answer.json()["id"])

    @pytest.mark.usefixtures("_short_deadline")
    def test_of_every_try_leaves_the_order_to_recovery(self, as_customer, server):
        server.send_next_if(*[lost] * 100)
        answer = place(as_customer, ("LAMP", 2))
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        server.gates.clear()
        assert recover() == 1
        assert Order.objects.get().status == "placed"
        assert_reserved_once(server, answer.json()["id"])

    @pytest.mark.usefixtures("_short_deadline")
    def test_frees_the_stock_of_an_order_cancelled_meanwhile(self, as_customer, server):
        server.send_next_if(*[lost] * 100)
        order_id = place(as_customer, ("LAMP", 2)).json()["id"]
        server.gates.clear()
        circuit.forget()
        assert cancel(as_customer, order_id).status_code == 200
        assert server.catalog.available("LAMP") == 10
        assert recover() == 0
        assert Order.objects.get().status == "cancelled"


class TestLateAnswer:
    @pytest.mark.usefixtures("_short_deadline")
    def test_changes_nothing_and_recovery_finds_what_is_reserved(self, as_customer, server):
        sent = threading.Event()

        def late():
            return sent.wait(WAIT_SECONDS)

        server.send_next_if(late)
        answer = place(as_customer, ("LAMP", 2))
        assert answer.status_code == 202
        sent.set()
        assert Order.objects.get().status == "pending"
        assert recover() == 1
        assert Order.objects.get().status == "placed"
        assert_reserved_once(server, answer.json()["id"])
