"""What sold lately makes a product popular."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction

from apps.catalog_service.models import Product, ProductSales
from apps.catalog_service.services import sales
from tests.catalog_service.factories import product

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 30)


def sell(made: Product, units: int, *, days_ago: int = 0) -> None:
    ProductSales.objects.create(product=made, date=TODAY - timedelta(days=days_ago), units=units)


def popularity(made: Product) -> int:
    return Product.objects.get(id=made.id).popularity


class TestPopularity:
    def test_is_the_units_of_thirty_days(self):
        made, other = product(), product()
        for days_ago, units in [(0, 1), (1, 10), (29, 100), (30, 1000)]:
            sell(made, units, days_ago=days_ago)
        assert sales.refresh_popularity(today=TODAY) == 1
        assert (popularity(made), popularity(other)) == (111, 0)

    def test_is_refreshed_for_what_sold_today_or_yesterday(self):
        made = [product() for _ in range(3)]
        for days_ago, p in enumerate(made):
            sell(p, 5, days_ago=days_ago)
        sales.refresh_popularity(today=TODAY)
        assert [popularity(p) for p in made] == [5, 5, 0]
        assert sales.recount_popularity(today=TODAY) == 1
        assert [popularity(p) for p in made] == [5, 5, 5]

    def test_falls_as_days_go_by(self):
        made = product()
        sell(made, 5)
        sales.refresh_popularity(today=TODAY)
        assert sales.recount_popularity(today=TODAY + timedelta(days=29)) == 0
        assert sales.recount_popularity(today=TODAY + timedelta(days=45)) == 1
        assert popularity(made) == 0

    def test_writes_what_differs_and_nothing_else(self):
        made = product()
        sell(made, 5)
        before = Product.objects.values("version", "updated_at").get()
        assert sales.refresh_popularity(today=TODAY) == 1
        assert sales.refresh_popularity(today=TODAY) == 0
        assert Product.objects.values("version", "updated_at").get() == before

    def test_of_more_than_can_be_counted_is_the_most(self):
        made = product()
        for days_ago in (0, 1):
            sell(made, 2_147_483_647, days_ago=days_ago)
        sales.refresh_popularity(today=TODAY)
        assert popularity(made) == 2_147_483_647


@pytest.mark.django_db(transaction=True)
class TestPopularityOfAProductInHand:
    def test_is_left_for_the_next_time(self, at_once):
        made, other = product(), product()
        sell(made, 1)
        sell(other, 1)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM product WHERE id = %s FOR UPDATE", [made.id])
            assert at_once(lambda: sales.refresh_popularity(today=TODAY)) == [1]
        assert sales.refresh_popularity(today=TODAY) == 1
        assert popularity(made) == popularity(other) == 1


class TestOldSales:
    def test_are_deleted_after_a_year(self):
        made = product()
        sell(made, 1, days_ago=366)
        sell(made, 1, days_ago=364)
        now = datetime(2026, 6, 30, 12, tzinfo=UTC)
        assert sales.delete_old(now=now) == 1
        assert ProductSales.objects.get().date == TODAY - timedelta(days=364)
