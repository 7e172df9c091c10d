"""seed: products by the number, with all that belongs to them."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Sum

from apps.catalog_service.models import (
    Category,
    PriceChange,
    Product,
    ProductSales,
    SearchWord,
    Stock,
    StockMovement,
)
from apps.catalog_service.services import search, seeding
from apps.catalog_service.services.seeding import loading, making
from chassis.models import OutboxEvent
from tests.catalog_service.factories import PRODUCTS, product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_vacuum(monkeypatch) -> None:
    """A test's own transaction is open, and VACUUM runs in none."""
    monkeypatch.setattr(loading, "_vacuum", lambda: None)
    monkeypatch.setattr(making, "BLOCK", 20)


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("seed", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def rows() -> list[Any]:
    return list(Product.objects.order_by("sku").values())


def indexes() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'product' ORDER BY 1")
        return list(cursor.fetchall())


class TestSeed:
    def test_makes_products_with_all_that_belongs_to_them(self, api):
        assert run("--products", 50, "--categories", 30).startswith(
            "50 products of seed 1: 50 added"
        )
        assert Product.objects.count() == Stock.objects.count() == 50
        sums = StockMovement.objects.aggregate(Sum("on_hand"))["on_hand__sum"]
        assert sums == Stock.objects.aggregate(Sum("on_hand"))["on_hand__sum"] > 0
        newest = PriceChange.objects.order_by("product", "-id").distinct("product")
        assert all(change.price == change.product.price for change in newest)
        assert newest.count() == 50
        sold = ProductSales.objects.filter(units=F("product__popularity")).count()
        assert sold == ProductSales.objects.count() == Product.objects.exclude(popularity=0).count()
        assert {row.parent is None for row in Category.objects.all()} == {True, False}
        assert Category.objects.count() == 30
        assert not OutboxEvent.objects.exists()

    def test_makes_what_can_be_searched_for(self, api):
        run("--products", 20)
        name = Product.objects.earliest("sku").name
        brand, *_, noun, _series = name.lower().split()
        assert {brand, noun} <= set(SearchWord.objects.values_list("word", flat=True))
        found = api.get(PRODUCTS, {"q": f"{brand}x {noun}"}).json()["results"]
        assert name in [row["name"] for row in found]

    def test_adds_what_is_missing(self):
        run("--products", 15)
        some = rows()
        assert "35 products of seed 1: 20 added" in run("--products", 35)
        assert rows()[:15] == some
        assert "35 products of seed 1: 0 added" in run("--products", 10)

    def test_makes_the_same_each_time(self):
        run("--products", 45)
        at_once = rows()
        made = list(making.make_products(1, 1, 45, making.make_categories(1, 200)))
        assert [(p.id, p.sku, p.name) for p in made] == [
            (row["id"], row["sku"], row["name"]) for row in at_once
        ]
        other = list(making.make_products(2, 1, 45, making.make_categories(2, 200)))
        assert {p.name for p in other} != {p.name for p in made}

    def test_builds_the_indexes_anew(self, monkeypatch):
        monkeypatch.setattr(loading, "_REBUILT_FROM", 10)
        before = indexes()
        run("--products", 20)
        assert indexes() == before

    def test_mixes_products_when_told_to_alone(self):
        product()
        with pytest.raises(CommandError, match=r"1 products that are not of seed 1\. Add --mix"):
            run("--products", 5)
        assert Product.objects.count() == 1
        assert "5 added" in run("--products", 5, "--mix")
        assert "6 added" in run("--products", 6, "--seed", 2, "--mix")

    def test_adds_nothing_where_it_fails(self, monkeypatch):
        def fail(*_args: Any, **_options: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(search, "learn_texts", fail)
        with pytest.raises(RuntimeError):
            seeding.seed(products=5, categories=5)
        assert not Product.objects.exists()
        assert not Category.objects.exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--products", 0),
            ("--products", -1),
            ("--products", 10_000_001),
            ("--categories", 0),
            ("--categories", 10_001),
            ("--seed", -1),
        ],
    )
    def test_refuses_numbers_out_of_bounds(self, option, value):
        with pytest.raises(CommandError, match=f"^{option} must be from"):
            run("--products=5", f"{option}={value}")
        assert not Product.objects.exists()
