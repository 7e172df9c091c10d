"""seed_demo: the demo catalogue and its pictures."""

import io
import re
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils.text import slugify

from apps.catalog_service.demo import seed
from apps.catalog_service.demo.data import catalogue
from apps.catalog_service.demo.pictures import draw
from apps.catalog_service.demo.shapes import MOTIFS
from apps.catalog_service.models import Category, Product, Stock, StockMovement
from apps.catalog_service.services import products
from chassis.models import OutboxEvent

PRODUCTS = catalogue().products
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "g", "path", "rect", "circle", "ellipse"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def run() -> str:
    out = io.StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def rows() -> list[list[Any]]:
    models: list[Any] = [Category, Product, Stock, StockMovement, OutboxEvent]
    return [list(model.objects.order_by("pk").values()) for model in models]


class TestCatalogue:
    def test_has_a_hundred_products_in_ten_categories(self):
        assert len(PRODUCTS) == 100
        assert len(catalogue().categories) == 10
        assert all(len(category.products) >= 5 for category in catalogue().categories)

    @pytest.mark.parametrize("field", ["sku", "name", "slug", "file", "description"])
    def test_says_nothing_twice(self, field):
        counted = Counter(getattr(product, field) for product in PRODUCTS)
        assert [value for value, count in counted.items() if count > 1] == []

    def test_names_categories_by_what_their_names_give(self):
        assert [c.slug for c in catalogue().categories] == [
            slugify(c.name) for c in catalogue().categories
        ]

    def test_numbers_skus_within_a_category(self):
        for category in catalogue().categories:
            code = category.products[0].sku[:3]
            assert [p.sku for p in category.products] == [
                f"{code}-{n:03}" for n in range(1, len(category.products) + 1)
            ]

    @pytest.mark.parametrize("product", PRODUCTS, ids=lambda p: p.sku)
    def test_is_sensible(self, product):
        assert product.price.as_tuple().exponent == -2
        assert Decimal("1.90") <= product.price <= Decimal("890.00")
        assert 0 <= product.stock <= 200
        assert product.attributes.keys() == {"color", "material", "origin", "weight_g"}
        assert all(product.attributes.values())
        assert type(product.attributes["weight_g"]) is int
        assert product.description.endswith(".")
        assert 15 <= len(product.description) <= 200
        assert "!" not in product.description
        assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in product.picture.colors)

    def test_reaches_from_the_cheapest_to_the_dearest(self):
        prices = [product.price for product in PRODUCTS]
        assert (min(prices), max(prices)) == (Decimal("1.90"), Decimal("890.00"))

    def test_has_some_products_out_of_stock_and_some_last_pieces(self):
        counted = Counter(product.stock for product in PRODUCTS)
        assert 3 <= counted[0] <= 8
        assert 3 <= counted[1] <= 8


class TestPicture:
    @pytest.mark.parametrize("product", PRODUCTS, ids=lambda p: p.sku)
    def test_is_small_well_formed_and_drawing_alone(self, product):
        text = draw(product.picture)
        assert len(text.encode()) < 4096
        root = ET.fromstring(text)  # noqa: S314 -- our own text
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= DRAWN
        names = {name for element in root.iter() for name in element.attrib}
        assert [name for name in names if name.startswith("on") or "href" in name] == []
        assert "nan" not in text

    def test_is_the_same_every_time(self):
        assert [draw(p.picture) for p in PRODUCTS] == [draw(p.picture) for p in PRODUCTS]

    def test_is_distinct_for_each_product(self):
        assert len({draw(product.picture) for product in PRODUCTS}) == len(PRODUCTS)

    def test_leaves_no_motif_unused(self):
        assert {product.picture.motif for product in PRODUCTS} == set(MOTIFS)


@pytest.mark.django_db
class TestSeedDemo:
    def test_says_in_one_line_what_it_made(self):
        assert run() == "100 products in 10 categories: 100 made, 0 already there\n"
        assert run() == "100 products in 10 categories: 0 made, 100 already there\n"

    def test_adds_every_product_as_it_is_written_down(self, settings):
        settings.SHOP_CURRENCY = "CHF"
        run()
        found = {
            (p.sku, p.slug, p.name, p.description, p.category.slug, p.price, p.currency)
            for p in Product.objects.select_related("category")
        }
        assert found == {
            (p.sku, p.slug, p.name, p.description, c.slug, p.price, "CHF")
            for c in catalogue().categories
            for p in c.products
        }

    def test_fills_the_stock_by_the_ledger(self):
        run()
        stock = dict(Stock.objects.values_list("product__sku", "on_hand"))
        assert stock == {product.sku: product.stock for product in PRODUCTS}
        moved = StockMovement.objects.values_list("product__sku", "kind", "on_hand", "actor")
        assert set(moved) == {(p.sku, "initial", p.stock, "seed_demo") for p in PRODUCTS if p.stock}

    def test_tells_of_each_new_product(self, outbox_events):
        run()
        told = [(event.type, event.data["sku"], event.subject) for event in outbox_events()]
        ids = Product.objects.values_list("sku", "id")
        assert sorted(told) == sorted(("product.created", sku, str(id_)) for sku, id_ in ids)

    def test_changes_nothing_the_second_time(self, media):
        run()
        before = rows()
        written = {file.name: file.stat() for file in media.iterdir()}
        run()
        assert rows() == before
        assert {file.name: file.stat() for file in media.iterdir()} == written

    def test_leaves_products_as_staff_edited_them(self):
        run()
        products.update_product(
            slug="rose-lokum",
            by=None,
            values={"name": "Rose Delight", "slug": "rose-delight", "price": Decimal("6.00")},
        )
        products.archive_product(slug="saffron-threads", by=None)
        before = rows()
        run()
        assert rows() == before

    def test_does_not_bring_back_a_category_that_staff_renamed(self):
        run()
        Category.objects.filter(slug="spices").update(slug="spice")
        run()
        assert not Category.objects.filter(slug="spices").exists()

    def test_adds_what_is_missing_of_a_shop_with_products_of_its_own(self):
        own = Category.objects.create(slug="sweets", name="Our sweets")
        values = {"category": "sweets", "price": Decimal("1.00")}
        products.create_product({**values, "sku": "SWT-001", "name": "Own lokum"}, by=None)
        own_rose = {"sku": "OWN-1", "name": "Rose", "slug": "ground-sumac"}
        products.create_product({**values, **own_rose}, by=None)
        assert "99 made, 1 already there" in run()
        assert Category.objects.get(slug="sweets") == own
        assert own.name == "Our sweets"
        assert Product.objects.get(sku="SWT-001").name == "Own lokum"
        assert Product.objects.get(sku="SPC-001").slug == "ground-sumac-spc-001"
        assert "0 made, 100 already there" in run()

    def test_mixes_the_categories_among_the_newest(self, api):
        run()
        page = api.get("/api/v1/catalog/products?limit=10").json()["results"]
        assert len({product["category"] for product in page}) == 10


@pytest.mark.django_db
class TestPictures:
    def test_can_be_read_by_all_and_leave_nothing_else(self, media):
        run()
        assert {file.name for file in media.iterdir()} == {product.file for product in PRODUCTS}
        assert {file.stat().st_mode & 0o777 for file in media.iterdir()} == {0o644}

    def test_are_written_again_when_missing_or_empty(self, media):
        run()
        gone, empty, other = (media / product.file for product in PRODUCTS[:3])
        whole = gone.read_text(), empty.read_text()
        gone.unlink()
        empty.write_text("")
        other.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        run()
        assert (gone.read_text(), empty.read_text()) == whole
        assert other.read_text() == "<svg xmlns='http://www.w3.org/2000/svg'/>"

    def test_leave_no_half_file_behind(self, media, monkeypatch):
        def fail(self: Path, target: Path) -> None:
            raise OSError("full")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="full"):
            run()
        assert list(media.iterdir()) == []

    def test_are_reached_through_the_api(self, api):
        run()
        for product in PRODUCTS:
            answer = api.get(f"/api/v1/catalog/products/{product.slug}")
            assert answer.status_code == 200
            assert answer.json()["sku"] == product.sku
            url = answer.json()["image_url"]
            assert url == f"/media/catalog/{product.slug}.svg"
            picture = api.get(url)
            assert picture.status_code == 200
            assert picture["Content-Type"] == "image/svg+xml"
            assert b"".join(picture.streaming_content).decode() == draw(product.picture)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_make_each_product_once(self, monkeypatch):
        together = threading.Barrier(2, timeout=20)
        ensure = seed._ensure_categories

        def meet(*args, **kwargs):
            together.wait()  # both have seen an empty shop
            return ensure(*args, **kwargs)

        monkeypatch.setattr(seed, "_ensure_categories", meet)
        made, failures = [], []

        def work() -> None:
            try:
                made.append(seed.seed().made)
            except Exception as error:  # noqa: BLE001 -- shown by the assertion
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert sorted(made) == [0, 100]
        assert (
            Product.objects.count() == Stock.objects.count() == OutboxEvent.objects.count() == 100
        )
        assert Category.objects.count() == 10
