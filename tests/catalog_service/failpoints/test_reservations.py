"""Every death of a reservation: the stock is promised once, and freed or sold once."""

import pytest

from apps.catalog_service.models import Reservation, StockMovement
from chassis.ids import uuid7
from tests.catalog_service.factories import (
    ledger_of,
    product,
    reservation_path,
    reserve,
    stock_of,
)
from tests.failpoints import kill_after_each_step

pytestmark = pytest.mark.django_db(transaction=True)


class Order:
    """An order of two lamps and a chair, each product its own."""

    def __init__(self, client, *, reserved=False):
        self.client, self.id = client, uuid7()
        self.lamp, self.chair = product(5), product(5)
        if reserved:
            assert self.reserve().status_code == 201

    def reserve(self):
        return reserve(self.client, (self.lamp.sku, 2), (self.chair.sku, 1), order_id=self.id)

    def release(self):
        return self.client.delete(reservation_path(self.id))

    def stock(self):
        """Return what there is of both; the ledger says the same."""
        found = stock_of(self.lamp), stock_of(self.chair)
        assert found == (ledger_of(self.lamp), ledger_of(self.chair))
        return found

    def movements(self, kind):
        return StockMovement.objects.filter(order_id=self.id, kind=kind).count()


RESERVED = ((5, 2), (5, 1))
FREE = ((5, 0), (5, 0))


class TestReserving:
    def test_promises_the_stock_once(self, order):
        def check(case):
            first = case.reserve()
            assert first.status_code in {200, 201}
            assert case.reserve().json() == first.json()
            assert case.stock() == RESERVED
            assert case.movements("reserved") == 2

        kill_after_each_step(lambda: Order(order), Order.reserve, check, at_least=3)

    @pytest.mark.long
    def test_beyond_the_stock_promises_nothing(self, order):
        def want_too_many(case):
            return reserve(order, (case.lamp.sku, 2), (case.chair.sku, 6), order_id=case.id)

        def check(case):
            assert want_too_many(case).json()["code"] == "out-of-stock"
            assert case.stock() == FREE
            assert not Reservation.objects.filter(order_id=case.id).exists()

        kill_after_each_step(lambda: Order(order), want_too_many, check, at_least=3)


@pytest.mark.long
class TestReleasing:
    def test_frees_the_stock_once(self, order):
        def check(case):
            assert case.release().status_code == case.release().status_code == 204
            assert case.stock() == FREE
            assert case.movements("released") == 2

        kill_after_each_step(lambda: Order(order, reserved=True), Order.release, check, at_least=4)

    def test_before_the_reservation_stops_it(self, order):
        def check(case):
            assert case.release().status_code == 204
            assert case.reserve().json()["code"] == "reservation-closed"
            assert case.stock() == FREE

        kill_after_each_step(lambda: Order(order), Order.release, check, at_least=2)
