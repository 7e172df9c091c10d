"""The port, by the fake and by the real client against a server; then what HTTP adds."""

import time
from dataclasses import asdict
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from apps.order_service.clients.catalog import (
    HttpCatalog,
    ReservationClosed,
    ReservedLine,
    ShortLine,
    SkusUnknown,
    StockShort,
)
from apps.order_service.clients.fake import FakeCatalog
from apps.order_service.domain.lines import RequestedLine
from apps.order_service.domain.products import ProductInfo
from apps.order_service.models import Order
from chassis import circuit, rest
from chassis.ids import uuid7
from chassis.rest import InsideTransaction, Unavailable
from chassis.tokens.service import service_token
from tests.order_service.catalog_server import problem, serving
from tests.order_service.factories import place

pytestmark = pytest.mark.django_db(transaction=True)

LINES = (RequestedLine("LAMP", 2, 0), RequestedLine("CHAIR", 1, 1))


@pytest.fixture
def server(settings):
    """Return a server that plays catalog and auth, with a lamp and a chair."""
    with serving() as server:
        settings.AUTH_URL = f"{server.url}/auth"
        settings.CATALOG_URL = f"{server.url}/catalog"
        server.catalog.stock("LAMP", price="19.90", name="Lamp", available=10)
        server.catalog.stock("CHAIR", price="100.00", name="Chair", available=5)
        service_token.forget()
        rest._http.cache_clear()
        yield server
        rest._http().close()
        rest._http.cache_clear()


@pytest.fixture
def client(server, settings):
    return HttpCatalog(settings.CATALOG_URL)


@pytest.fixture(params=["fake", "real"])
def port(request):
    """Return the port, and the shelves behind it."""
    if request.param == "real":
        return request.getfixturevalue("client"), request.getfixturevalue("server").catalog
    fake = FakeCatalog()
    fake.stock("LAMP", price="19.90", name="Lamp", available=10)
    fake.stock("CHAIR", price="100.00", name="Chair", available=5)
    return fake, fake


class TestCatalog:
    def test_reserves_with_names_and_prices(self, port):
        catalog, shelves = port
        order_id = uuid7()
        reservation = catalog.reserve(order_id, LINES)
        assert reservation.order_id == order_id
        assert reservation.expires_at > timezone.now()
        assert reservation.lines == (
            ReservedLine("LAMP", "Lamp", 2, Decimal("19.90"), "EUR"),
            ReservedLine("CHAIR", "Chair", 1, Decimal("100.00"), "EUR"),
        )
        assert shelves.available("LAMP") == 8

    def test_reserves_once_however_often_it_is_asked(self, port):
        catalog, shelves = port
        order_id = uuid7()
        first = catalog.reserve(order_id, LINES)
        shelves.stock("LAMP", price="99.00", available=8)
        assert catalog.reserve(order_id, LINES) == first
        assert shelves.available("LAMP") == 8

    def test_names_each_short_line_and_reserves_nothing(self, port):
        catalog, shelves = port
        with pytest.raises(StockShort) as refused:
            catalog.reserve(
                uuid7(),
                (
                    RequestedLine("LAMP", 11, 0),
                    RequestedLine("CHAIR", 1, 1),
                ),
            )
        assert refused.value.lines == (ShortLine("LAMP", 11, 10),)
        assert shelves.available("CHAIR") == 5

    def test_names_unknown_skus(self, port):
        catalog, _ = port
        with pytest.raises(SkusUnknown) as refused:
            catalog.reserve(uuid7(), (LINES[0], RequestedLine("GHOST", 1, 1)))
        assert refused.value.skus == ("GHOST",)

    def test_releases(self, port):
        catalog, shelves = port
        order_id = uuid7()
        catalog.reserve(order_id, LINES)
        catalog.release(order_id)
        catalog.release(order_id)
        assert shelves.available("LAMP") == 10

    @pytest.mark.parametrize("reserved", [True, False])
    def test_reserves_nothing_after_a_release(self, port, reserved):
        catalog, shelves = port
        order_id = uuid7()
        if reserved:
            catalog.reserve(order_id, LINES)
        catalog.release(order_id)
        with pytest.raises(ReservationClosed):
            catalog.reserve(order_id, LINES)
        assert shelves.available("LAMP") == 10

    def test_tells_of_products_in_the_order_of_the_lines(self, port):
        catalog, shelves = port
        shelves.stock("MANY", price="1.00", name="Many", available=500)
        lines = [("MANY", 500), ("CHAIR", 6), ("LAMP", 1)]
        found = catalog.look_up([RequestedLine(*line, i) for i, line in enumerate(lines)])
        assert found[1] == ProductInfo(
            sku="CHAIR",
            name="Chair",
            slug="chair",
            image_url="/media/CHAIR.jpg",
            unit_price=Decimal("100.00"),
            currency="EUR",
            available=5,
            in_stock=True,
            enough=False,
        )
        assert [(p.sku, p.available, p.enough) for p in found[::2]] == [
            ("MANY", 100, True),
            ("LAMP", 10, True),
        ]
        assert shelves.available("LAMP") == 10

    def test_leaves_out_what_is_not_for_sale(self, port):
        catalog, shelves = port
        assert catalog.look_up((RequestedLine("GHOST", 1, 0),)) == ()
        shelves.withdraw("CHAIR")
        assert [product.sku for product in catalog.look_up(LINES)] == ["LAMP"]

    def test_is_unavailable_while_it_is_down(self, port):
        catalog, shelves = port
        shelves.down = True
        with pytest.raises(Unavailable):
            catalog.reserve(uuid7(), LINES)
        with pytest.raises(Unavailable):
            catalog.release(uuid7())
        with pytest.raises(Unavailable):
            catalog.look_up(LINES)

    def test_refuses_an_open_transaction(self, port):
        catalog, _ = port
        with transaction.atomic(), pytest.raises(InsideTransaction):
            catalog.reserve(uuid7(), LINES)
        with transaction.atomic(), pytest.raises(InsideTransaction):
            catalog.release(uuid7())
        with transaction.atomic(), pytest.raises(InsideTransaction):
            catalog.look_up(LINES)


class TestHttp:
    def test_asks_for_sku_and_quantity_with_the_services_token(self, client, server):
        order_id = uuid7()
        client.reserve(order_id, LINES)
        ((method, path, headers, body),) = server.requests
        assert (method, path) == ("PUT", f"/catalog/internal/v1/reservations/{order_id}")
        assert body == {"lines": [{"sku": "LAMP", "quantity": 2}, {"sku": "CHAIR", "quantity": 1}]}
        assert headers["Authorization"] == "Bearer token-1"
        assert 0 < int(headers["X-Deadline-Ms"]) <= 2000

    def test_replaces_a_refused_token_once(self, client, server):
        client.reserve(uuid7(), LINES)
        server.revoke_token()
        client.reserve(uuid7(), LINES)
        assert server.tokens_given == 2

    def test_gives_up_when_the_new_token_is_refused_too(self, client, server):
        server.answer_next(*[problem(401, "token-invalid")] * 2)
        with pytest.raises(Unavailable, match="401"):
            client.reserve(uuid7(), LINES)
        assert len(server.requests) == 2

    def test_asks_again_after_a_passing_failure(self, client, server):
        server.answer_next(problem(503, "unavailable"), problem(502, "bad-gateway"))
        order_id = uuid7()
        assert client.reserve(order_id, LINES).order_id == order_id
        assert len(server.requests) == 3

    def test_answers_within_two_seconds(self, client, server):
        server.answer_next(problem(401, "token-invalid"), after_seconds=0.8)
        server.answer_next(problem(503, "unavailable"), after_seconds=10)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            client.reserve(uuid7(), LINES)
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize(
        "answer",
        [
            b"<html>not JSON</html>",
            b"\xff",
            (404, b"404 page not found"),
            (400, {"code": "validation-failed"}),
            (403, {"code": "permission-denied"}),
            (409, {"code": "reservation-mismatch"}),
            (409, []),
            (200, {"order_id": "1"}),
        ],
    )
    def test_takes_an_answer_outside_the_contract_for_none(self, client, server, answer):
        server.answer_next(answer)
        with pytest.raises(Unavailable, match="catalog answered"):
            client.reserve(uuid7(), LINES)

    @pytest.mark.parametrize("price", ["1.234", "-1.00", "NaN", "Infinity", "1e40"])
    def test_takes_a_price_that_is_no_amount_for_none(self, client, server, price):
        server.catalog.stock("LAMP", price=price)
        with pytest.raises(Unavailable, match="no amount"):
            client.reserve(uuid7(), LINES)

    def test_takes_other_lines_than_asked_for_for_none(self, client, server):
        order_id = uuid7()
        client.reserve(order_id, LINES)
        with pytest.raises(Unavailable, match="other lines"):
            client.reserve(order_id, LINES[:1])

    def test_accepts_that_catalog_says_no_more_than_the_contract(self, client, server):
        errors = [{"pointer": "#/lines/1/quantity", "detail": "short", "code": "out-of-stock"}]
        server.answer_next(problem(409, "out-of-stock", errors=errors))
        with pytest.raises(StockShort) as refused:
            client.reserve(uuid7(), LINES)
        assert refused.value.lines == (ShortLine("CHAIR", 1, None),)

    @pytest.mark.parametrize("members", [{"errors": [1], "lines": 2}, {"errors": 3}])
    def test_ignores_members_that_are_none(self, client, server, members):
        server.answer_next((409, {"code": "out-of-stock", **members}))
        with pytest.raises(StockShort) as caught:
            client.reserve(uuid7(), LINES)
        assert caught.value.lines == ()

    def test_ignores_pointers_that_name_no_line(self, client, server):
        pointers = ["#/lines/7/quantity", "#/lines/x", "#/lines", None, "#/lines/0"]
        errors = [{"pointer": pointer} for pointer in pointers]
        server.answer_next(problem(409, "out-of-stock", errors=errors))
        with pytest.raises(StockShort) as refused:
            client.reserve(uuid7(), LINES)
        assert [line.sku for line in refused.value.lines] == ["LAMP"]


class TestLookUpOverHttp:
    def test_asks_once_for_all_lines_with_the_services_token_and_a_nearer_deadline(
        self, client, server
    ):
        client.look_up(LINES)
        ((method, path, headers, body),) = server.requests
        assert (method, path) == ("POST", "/catalog/internal/v1/products/lookup")
        assert body == {"lines": [{"sku": "LAMP", "quantity": 2}, {"sku": "CHAIR", "quantity": 1}]}
        assert headers["Authorization"] == "Bearer token-1"
        assert 0 < int(headers["X-Deadline-Ms"]) <= 1000

    def test_asks_again_after_a_passing_failure(self, client, server):
        server.answer_next(problem(503, "unavailable"))
        assert len(client.look_up(LINES)) == 2

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(b"<html>not JSON</html>", id="no JSON"),
            pytest.param((200, {}), id="no products"),
            pytest.param((200, {"products": [{"sku": "LAMP"}]}), id="half a product"),
            pytest.param((404, {"code": "not-found"}), id="not found"),
            pytest.param((400, {"code": "validation-failed"}), id="refused"),
            pytest.param((403, {"code": "permission-denied"}), id="no scope"),
        ],
    )
    def test_takes_an_answer_outside_the_contract_for_none(self, client, server, answer):
        server.answer_next(answer)
        with pytest.raises(Unavailable, match="catalog answered"):
            client.look_up(LINES)

    @pytest.mark.parametrize("price", ["1.234", "-1.00", "NaN"])
    def test_takes_a_price_that_is_no_amount_for_none(self, client, server, price):
        server.catalog.stock("LAMP", price=price)
        with pytest.raises(Unavailable, match="no amount"):
            client.look_up(LINES)

    @pytest.mark.parametrize("available", [-1, 2**31])
    def test_takes_a_stock_that_nobody_can_have_for_none(self, client, server, available):
        (lamp,) = server.catalog.look_up(LINES[:1])
        server.answer_next((200, {"products": [asdict(lamp) | {"available": available}]}))
        with pytest.raises(Unavailable, match="no number"):
            client.look_up(LINES)

    def test_takes_products_that_were_not_asked_about_for_none(self, client, server):
        others = FakeCatalog()
        others.stock("OTHER", price="1.00")
        (other,) = others.look_up((RequestedLine("OTHER", 1, 0),))
        server.answer_next((200, {"products": [asdict(other)]}))
        with pytest.raises(Unavailable, match="not asked about"):
            client.look_up(LINES)


class TestPlacingOverHttp:
    @pytest.fixture(autouse=True)
    def _real_client(self, server, settings, monkeypatch):
        from apps.order_service import clients

        monkeypatch.setattr(clients, "catalog", lambda: HttpCatalog(settings.CATALOG_URL))

    def test_places(self, as_customer, server):
        assert place(as_customer, ("LAMP", 2)).status_code == 201
        assert server.catalog.available("LAMP") == 8

    def test_is_202_within_the_deadline_where_nothing_listens(self, as_customer, settings):
        settings.CATALOG_URL = "http://127.0.0.1:1/catalog"
        started = time.monotonic()
        assert place(as_customer).status_code == 202
        assert time.monotonic() - started < 5

    def test_is_202_without_a_call_when_the_circuit_is_open(self, as_customer, server):
        server.answer_next(*[problem(500, "internal-error")] * circuit.FAILURES_TO_OPEN)
        for _ in range(circuit.FAILURES_TO_OPEN):
            assert place(as_customer).status_code == 202
        asked = len(server.requests)
        assert place(as_customer).status_code == 202
        assert len(server.requests) == asked
        assert set(Order.objects.values_list("status", flat=True)) == {"pending"}

    def test_is_202_when_auth_gives_no_token(self, as_customer, settings):
        settings.AUTH_URL = "http://127.0.0.1:1/auth"
        assert place(as_customer).status_code == 202
