"""What moving stock promises to its callers."""

import pytest
from django.db import IntegrityError

from apps.catalog_service.models import MovementKind, Stock
from apps.catalog_service.services import stock
from chassis.ids import uuid7
from tests.catalog_service.factories import ledger_of, product, stock_of

pytestmark = pytest.mark.django_db


class TestMoveStock:
    @pytest.mark.parametrize("change", [(0, 3), (-3, 0), (0, -1), (stock.MOST_ON_HAND, 0)])
    def test_does_nothing_where_one_change_does_not_fit(self, change):
        fits, short = product(5), product(2)
        changes = {fits.id: (0, 1), short.id: change}
        assert not stock.move_stock(MovementKind.RESERVED, changes, actor="test")
        assert stock_of(fits) == ledger_of(fits) == (5, 0)
        assert stock_of(short) == ledger_of(short) == (2, 0)

    def test_does_nothing_where_a_product_has_no_stock(self):
        fits = product(5)
        changes = {fits.id: (0, 1), uuid7(): (0, 1)}
        assert not stock.move_stock(MovementKind.RESERVED, changes, actor="test")
        assert stock_of(fits) == (5, 0)

    def test_happens_once_per_order_and_kind(self):
        made, order_id = product(5), uuid7()
        changes = {made.id: (0, 1)}
        assert stock.move_stock(MovementKind.RESERVED, changes, actor="a", order_id=order_id)
        with pytest.raises(IntegrityError, match="stock_movement_once_per_order"):
            stock.move_stock(MovementKind.RESERVED, changes, actor="a", order_id=order_id)
        assert stock_of(made) == ledger_of(made) == (5, 1)


class TestStock:
    @pytest.mark.parametrize("values", [{"reserved": 6}, {"reserved": -1}, {"on_hand": -1}])
    def test_is_kept_sound_by_the_database(self, values):
        made = product(5)
        with pytest.raises(IntegrityError, match="stock_reserved_within_on_hand"):
            Stock.objects.filter(product=made).update(**values)
