"""The list of products: filters, search, sorts and the walk along its pages."""

import random
import urllib.parse
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.catalog_service import conf
from apps.catalog_service.models import Product
from tests.catalog_service.factories import PRODUCTS, category, product, reserve
from tests.catalog_service.problems import pointers, problem_of

pytestmark = pytest.mark.django_db


def listed(client: Any, **parameters: Any) -> list[str]:
    """Return the skus of the first page."""
    response = client.get(PRODUCTS, parameters)
    assert response.status_code == 200, response.content
    return [row["sku"] for row in response.json()["results"]]


class TestVisibility:
    def test_is_of_active_products_for_the_public(self, api, as_customer, as_staff, as_admin):
        for status in ("draft", "active", "archived"):
            product(sku=status, status=status)
        assert listed(api) == listed(as_customer) == ["active"]
        for client in (as_staff, as_admin):
            assert sorted(listed(client)) == ["active", "archived", "draft"]

    def test_shows_few_what_is_in_stock(self, api, as_staff, order):
        for sku, on_hand in (("MANY", 500), ("FEW", 3), ("NONE", 1)):
            product(on_hand, sku=sku)
        reserve(order, ("FEW", 1), ("NONE", 1))
        rows = {row["sku"]: row for row in api.get(PRODUCTS).json()["results"]}
        assert {sku: (row["in_stock"], row["available"]) for sku, row in rows.items()} == {
            "MANY": (True, conf.shown_available()),
            "FEW": (True, 2),
            "NONE": (False, 0),
        }
        assert not any("stock" in row for row in rows.values())
        rows = {row["sku"]: row for row in as_staff.get(PRODUCTS).json()["results"]}
        assert rows["FEW"]["stock"] == {"on_hand": 3, "reserved": 1, "available": 2}
        assert rows["MANY"]["available"] == 500

    def test_is_kept_by_no_cache_without_asking(self, api, as_staff):
        answers = [api.get(PRODUCTS), as_staff.get(PRODUCTS), api.get(f"{PRODUCTS}?limit=x")]
        told = [answer["Cache-Control"] for answer in answers]
        assert told == ["public, no-cache", "private, no-cache", "no-cache"]
        assert all("Authorization" in answer["Vary"] for answer in answers)

    def test_refuses_a_bad_token_though_it_is_public(self, api, signing_key):
        api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
        problem_of(api.get(PRODUCTS), 401, "token-invalid")


class TestFilters:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _products(cls, rows_of_the_class):
        category("Home")
        category("Lighting", parent="home")
        category("Bulbs", parent="lighting")
        category("Garden")
        product(1, sku="SOFA", category="home", price=Decimal("900.00"))
        product(0, sku="LAMP", category="lighting", price=Decimal("19.90"), name="Desk lamp")
        product(3, sku="BULB", category="bulbs", price=Decimal("2.50"), name="Lamp bulb")
        product(2, sku="RAKE", category="garden", price=Decimal("19.91"), name="Rake")

    def test_by_category_hold_its_sub_categories(self, api):
        assert sorted(listed(api, category="home")) == ["BULB", "LAMP", "SOFA"]
        assert sorted(listed(api, category="lighting")) == ["BULB", "LAMP"]
        assert listed(api, category="garden") == ["RAKE"]

    def test_by_an_unknown_category_hold_nothing(self, api):
        assert listed(api, category="none") == []

    def test_by_price_include_their_bounds(self, api):
        assert sorted(listed(api, min_price="19.90")) == ["LAMP", "RAKE", "SOFA"]
        assert sorted(listed(api, max_price="19.90")) == ["BULB", "LAMP"]
        assert listed(api, min_price="19.9", max_price="19.90") == ["LAMP"]
        assert listed(api, min_price="20", max_price="19") == []

    def test_by_stock_look_at_what_is_unreserved(self, api, order):
        reserve(order, ("SOFA", 1), ("BULB", 1))
        assert sorted(listed(api, in_stock="true")) == ["BULB", "RAKE"]
        assert sorted(listed(api, in_stock="false")) == ["LAMP", "SOFA"]

    def test_go_together(self, api):
        assert listed(api, q="lamp", in_stock="true") == ["BULB"]
        assert listed(api, q="lamp", category="garden") == []
        assert listed(api, q="lamp", min_price="10", sort="price") == ["LAMP"]
        assert listed(api, category="home", max_price="20", in_stock="false") == ["LAMP"]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("min_price=-1", "#/min_price"),
            ("min_price=1.234", "#/min_price"),
            ("max_price=1e3", "#/max_price"),
            ("max_price=NaN", "#/max_price"),
            ("max_price=" + "9" * 11, "#/max_price"),
            ("max_price=%D9%A1", "#/max_price"),
            ("in_stock=maybe", "#/in_stock"),
            ("category=a%20b", "#/category"),
            ("sort=rank", "#/sort"),
            ("sort=-name", "#/sort"),
            ("sort=relevance", "#/sort"),
            ("sort=price,name", "#/sort"),
            ("limit=0", "#/limit"),
            ("limit=101", "#/limit"),
            ("limit=-1", "#/limit"),
            ("limit=%D9%A1", "#/limit"),
            ("q=%00", "#/q"),
            ("q=" + "x" * 10_000, "#/q"),
            ("cursor=x", "#/cursor"),
            ("cursor=%00", "#/cursor"),
            ("cursor=%C3%A9:%F0%9F%92%A1", "#/cursor"),
        ],
    )
    def test_refuse_other_values(self, api, query, pointer):
        assert pointers(api.get(f"{PRODUCTS}?{query}")) == [pointer]


class TestSearch:
    def test_finds_words_of_name_and_description(self, api):
        product(sku="A", name="Walnut desk", description="Made for writing letters")
        product(sku="B", name="Chair", description="Goes with any desk")
        product(sku="C", name="Rake", description="For leaves")
        assert listed(api, q="desk") == ["A", "B"]
        assert listed(api, q="letter") == ["A"]
        assert listed(api, q="DESKS") == ["A", "B"]
        assert listed(api, q="walnut desk") == ["A"]

    def test_finds_what_is_misspelt(self, api):
        product(sku="A", name="Mechanical keyboard")
        product(sku="B", name="Ceramic teapot")
        assert listed(api, q="keybord") == ["A"]
        assert listed(api, q="mechancal") == ["A"]
        assert listed(api, q="teapott") == ["B"]

    @pytest.mark.parametrize(
        ("typo", "name"),
        [
            ("lanturn", "Brass Lantern"),
            ("tumeric", "Turmeric Powder"),
            ("pashmena", "Pashmina Shawl"),
            ("mosiac", "Mosaic Lamp"),
            ("teepot", "Iron Teapot"),
        ],
    )
    def test_finds_usual_misspellings_and_nothing_else(self, api, typo, name):
        product(sku="A", name=name)
        product(sku="B", name="Walnut desk")
        assert listed(api, q=typo) == ["A"]

    def test_finds_what_is_half_typed(self, api):
        product(sku="A", name="Mechanical keyboard")
        product(sku="B", name="Ceramic teapot")
        assert listed(api, q="keyb") == ["A"]

    def test_puts_the_name_before_the_description(self, api):
        product(sku="B", name="Shade", description="A shade for a lantern, a lantern, a lantern")
        product(sku="A", name="Lantern", description="For the garden")
        product(sku="C", name="Lanternes", description="Spelt otherwise")
        assert listed(api, q="lantern")[0] == "A"
        assert set(listed(api, q="lantern")) == {"A", "B", "C"}

    def test_sorts_by_relevance_unless_told(self, api):
        product(sku="A", name="Lantern", price=Decimal(9))
        product(sku="B", name="Shade", description="For a lantern", price=Decimal(1))
        assert listed(api, q="lantern") == listed(api, q="lantern", sort="relevance") == ["A", "B"]
        assert listed(api, q="lantern", sort="price") == ["B", "A"]

    def test_hides_drafts(self, api, as_staff):
        product(sku="A", name="Lantern", status="draft")
        assert listed(api, q="lantern") == []
        assert listed(as_staff, q="lantern") == ["A"]

    @pytest.mark.parametrize(
        "q",
        [
            "'",
            '"',
            '"open',
            "\\",
            "%",
            "_%_",
            "a' OR '1'='1",
            "-lamp",
            "- - -",
            "or or or",
            "& | ! <-> :*",
            "the",
            "\u202e\u0301\ufeff",
            "\ud7ff\ufffd",
            "💡" * 200,
            "ß" * 200,
            "a b " * 50,
            "%s %(x)s {0}",
            "\t\n",
            "1" * 200,
        ],
    )
    def test_takes_any_text(self, api, q):
        product(name="Lamp")
        response = api.get(PRODUCTS, {"q": q})
        assert response.status_code == 200
        assert api.get(f"{PRODUCTS}?q={urllib.parse.quote(q)}&sort=name").status_code == 200

    @pytest.mark.parametrize("raw", ["q=%ff%fe", "q=%ED%A0%80", "q=%", "q", "&&=&", "q=a&q=b"])
    def test_takes_any_bytes(self, api, raw):
        assert api.get(f"{PRODUCTS}?{raw}").status_code == 200

    def test_of_blanks_is_no_search(self, api):
        product(sku="A")
        assert listed(api, q="   ") == listed(api, q="") == listed(api, category="", q="") == ["A"]


SORTS: dict[str, Any] = {
    "-created_at": (lambda p: (p.created_at, p.id), True),
    "name": (lambda p: (p.name, p.id), False),
    "price": (lambda p: (p.price, p.id), False),
    "-price": (lambda p: (p.price, p.id), True),
}


class TestWalk:
    @pytest.fixture(scope="class")
    @classmethod
    def many(cls, rows_of_the_class) -> list[Product]:
        """Return products with ties in every column that is sorted by."""
        dice, now = random.Random(7), timezone.now()
        made = [
            product(
                name=f"Lamp {dice.choice('abc')}",
                price=Decimal(dice.randint(1, 4)),
                description=dice.choice(["", "A lamp", "A lamp, a lamp"]),
            )
            for _ in range(23)
        ]
        for row in made:
            row.created_at = now - timedelta(minutes=dice.randint(1, 4))
            row.save(update_fields=["created_at"])
        return made

    def forward(self, client: Any, url: str | None) -> list[list[str]]:
        pages = []
        while url:
            page = client.get(url).json()
            pages.append([row["id"] for row in page["results"]])
            url = page["next"]
        return pages

    def backward(self, client: Any, url: str) -> list[list[str]]:
        last = client.get(url).json()
        while last["next"]:
            last = client.get(last["next"]).json()
        pages = [[row["id"] for row in last["results"]]]
        while last["previous"]:
            last = client.get(last["previous"]).json()
            pages.append([row["id"] for row in last["results"]])
        return pages[::-1]

    @pytest.mark.parametrize("sort", SORTS)
    @pytest.mark.parametrize("limit", [1, 4, 23, 100])
    def test_shows_every_row_once_in_order(self, api, many, sort, limit):
        key, falling = SORTS[sort]
        expected = [str(p.id) for p in sorted(many, key=key, reverse=falling)]
        pages = self.forward(api, f"{PRODUCTS}?sort={sort}&limit={limit}")
        assert [id_ for page in pages for id_ in page] == expected
        assert all(len(page) == limit for page in pages[:-1])
        back = self.backward(api, f"{PRODUCTS}?sort={sort}&limit={limit}")
        assert [id_ for page in back for id_ in page] == expected

    @pytest.mark.parametrize("limit", [1, 4, 23])
    def test_by_relevance_shows_every_row_once(self, api, many, limit):
        whole = self.forward(api, f"{PRODUCTS}?q=lamp&limit=100")[0]
        assert set(whole) == {str(p.id) for p in many}
        url = f"{PRODUCTS}?q=lamp&limit={limit}"
        assert [id_ for page in self.forward(api, url) for id_ in page] == whole
        assert [id_ for page in self.backward(api, url) for id_ in page] == whole

    @pytest.mark.parametrize("sort", [*SORTS, "relevance"])
    def test_misses_and_repeats_nothing_while_rows_are_added(self, api, many, sort):
        url: str | None = f"{PRODUCTS}?q=lamp&sort={sort}&limit=4"
        seen: list[str] = []
        while url:
            page = api.get(url).json()
            seen += [row["id"] for row in page["results"]]
            product(name="Lamp a", price=Decimal(1))
            product(name="Lamp c", price=Decimal(4), description="A lamp, a lamp")
            url = page["next"] if len(seen) < 100 else None
        assert len(seen) == len(set(seen))
        assert {str(p.id) for p in many} <= set(seen)

    @pytest.mark.parametrize("sort", SORTS)
    def test_goes_on_where_a_row_was_taken_away(self, api, many, sort):
        url = f"{PRODUCTS}?sort={sort}&limit=4"
        whole = [id_ for page in self.forward(api, url) for id_ in page]
        first = api.get(url).json()
        Product.objects.filter(id=whole[3]).update(status="archived")
        second = api.get(first["next"]).json()
        assert [row["id"] for row in second["results"]] == whole[4:8]

    def test_keeps_the_filters(self, api, many):
        url = f"{PRODUCTS}?limit=3&min_price=3&q=lamp&sort=-price"
        seen = [id_ for page in self.forward(api, url) for id_ in page]
        assert set(seen) == {str(p.id) for p in many if p.price >= 3}

    def test_ends(self, api, many):
        page = api.get(f"{PRODUCTS}?limit=23").json()
        assert (page["next"], page["previous"]) == (None, None)
        page = api.get(f"{PRODUCTS}?q=nothing-like-it").json()
        assert page == {"results": [], "next": None, "previous": None}

    def test_refuses_a_cursor_of_another_list(self, api, many):
        page = api.get(f"{PRODUCTS}?sort=price&limit=3&max_price=4").json()
        cursor = urllib.parse.parse_qs(urllib.parse.urlsplit(page["next"]).query)["cursor"][0]
        same = {"sort": "price", "max_price": "4.00", "cursor": cursor}
        assert api.get(PRODUCTS, same).status_code == 200
        for change in ({"sort": "-price"}, {"max_price": "3"}, {"q": "lamp"}, {"in_stock": "true"}):
            assert pointers(api.get(PRODUCTS, same | change)) == ["#/cursor"]

    def test_refuses_a_cursor_that_was_changed(self, api, many):
        page = api.get(f"{PRODUCTS}?limit=3").json()
        cursor = urllib.parse.parse_qs(urllib.parse.urlsplit(page["next"]).query)["cursor"][0]
        for place in (0, len(cursor) // 2, len(cursor) - 1):
            other = "B" if cursor[place] == "A" else "A"
            changed = cursor[:place] + other + cursor[place + 1 :]
            assert pointers(api.get(PRODUCTS, {"cursor": changed})) == ["#/cursor"]
