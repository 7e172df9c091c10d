"""What moving stock promises to its callers."""

import pytest
from django.db import IntegrityError, connection, transaction

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
        with (
            pytest.raises(IntegrityError, match="stock_movement_once_per_order"),
            transaction.atomic(),
        ):
            stock.move_stock(MovementKind.RESERVED, changes, actor="a", order_id=order_id)
        assert stock_of(made) == ledger_of(made) == (5, 1)


class TestStock:
    @pytest.mark.parametrize("values", [{"reserved": 6}, {"reserved": -1}, {"on_hand": -1}])
    def test_is_kept_sound_by_the_database(self, values):
        made = product(5)
        with pytest.raises(IntegrityError, match="stock_reserved_within_on_hand"):
            Stock.objects.filter(product=made).update(**values)


class TestLedger:
    @pytest.mark.parametrize(
        "statement", ["UPDATE stock_movement SET on_hand = 1", "DELETE FROM stock_movement"]
    )
    def test_is_only_added_to(self, statement):
        made = product(5)
        with (
            pytest.raises(IntegrityError, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert ledger_of(made) == (5, 0)


class TestWhatFalls:
    """LOW_STOCK is 5."""

    @pytest.fixture
    def told(self, outbox_events):
        """Return a function that lists (type, available) of a product's events of its stock."""

        def events(made):
            return [
                (event.type, event.data["available"])
                for event in outbox_events(made.id)
                if event.type.startswith("stock.")
            ]

        return events

    @pytest.mark.parametrize(
        ("on_hand", "changes", "expected"),
        [
            (10, [(0, 4)], []),
            (10, [(0, 5)], [("stock.low", 5)]),
            (10, [(-7, 0), (0, 1)], [("stock.low", 3)]),
            (10, [(0, 10)], [("stock.low", 0), ("stock.depleted", 0)]),
            (10, [(0, 7), (0, 3)], [("stock.low", 3), ("stock.depleted", 0)]),
            (10, [(0, 10), (-10, -10)], [("stock.low", 0), ("stock.depleted", 0)]),
            (10, [(0, 6), (0, -6), (0, 6)], [("stock.low", 4), ("stock.low", 4)]),
            (3, [(0, 1)], []),
        ],
    )
    def test_is_told_as_it_crosses_a_threshold(self, told, settings, on_hand, changes, expected):
        settings.LOW_STOCK = 5
        made = product(on_hand)
        for change in changes:
            assert stock.move_stock(MovementKind.ADJUSTED, {made.id: change}, actor="test")
        assert told(made) == expected

    def test_is_told_of_each_product(self, told, settings):
        settings.LOW_STOCK = 5
        low, none, enough = product(6), product(1), product(10)
        changes = {low.id: (0, 1), none.id: (0, 1), enough.id: (0, 1)}
        stock.move_stock(MovementKind.RESERVED, changes, actor="test")
        assert told(low) == [("stock.low", 5)]
        assert told(none) == [("stock.depleted", 0)]
        assert told(enough) == []

    def test_is_one_statement_where_nothing_falls(self, django_assert_num_queries):
        made = [product(100) for _ in range(3)]
        changes = {p.id: (0, 1) for p in made}
        with django_assert_num_queries(1):
            stock.move_stock(MovementKind.RESERVED, changes, actor="test")
